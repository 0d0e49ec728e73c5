import { existsSync } from 'node:fs';
import { copiesLayout } from '../../src/backup/copies.ts';
import { objectPath } from '../../src/backup/object-store.ts';
import { type JournalEntry, newestByHeal } from '../../src/heal/journal.ts';
import { runProcess } from '../../src/lib/run-process.ts';
import { DATABASES, type Database } from '../../src/ovsdb/database.ts';
import type { Cluster, LedgerWriter, Member } from '../engine/support/index.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { type AgentFollower, readJournal } from './follow-agents.ts';
import type {
  FaultTimes,
  FileProof,
  LedgerProof,
  ServerWords,
  TurnSpan,
  WithAgents,
  WithoutAgents,
} from './proof.ts';
import { SOUND, type World } from './world.ts';

const OVSDB_TOOL = '/usr/bin/ovsdb-tool';
const TOOL_TIMEOUT_MS = 20_000;

/** Reads everything anew: files, rows, journals, copies. Nothing that an agent claims is taken for true. */
export async function gatherWithAgents(
  world: World,
  agents: readonly AgentProcess[],
  follower: AgentFollower,
): Promise<WithAgents> {
  // Files first: whatever happened to them a moment ago, no agent has had the time to mend it.
  const { files, joint } = await checkFiles(world);
  const ledgers = await readLedgers(world);
  const journals = await Promise.all(agents.map((agent) => readJournal(agent)));
  const entries = journals.flatMap((journal) => journal.entries);
  const open = [...newestByHeal(entries).values()].filter(({ step }) => step !== 'closed');
  return {
    files,
    joint,
    ledgers,
    faults: faultTimes(agents, follower),
    turns: turnsOf(entries),
    journal: {
      entries: entries.length,
      badLines: journals.reduce((sum, journal) => sum + journal.badLines.length, 0),
      open: open.length,
    },
    verdicts: await readVerdicts(agents),
    words: await readWords(world),
  };
}

export async function gatherWithoutAgents(
  world: World,
  ends: Readonly<Record<Database, string | null>>,
): Promise<WithoutAgents> {
  const soundNode = world.clusters.nb.member(SOUND).node;
  return { ledgers: await readLedgers(world), words: await readWords(world), soundNode, ends };
}

async function readWords(world: World): Promise<readonly ServerWords[]> {
  const running = DATABASES.flatMap((database) => world.clusters[database].running());
  return await Promise.all(
    running.map(async (member) => ({
      node: member.node,
      database: member.database,
      words: await ownWords(member),
    })),
  );
}

/** What a server says of itself: `cluster member, storage ok`. */
export async function ownWords(member: Member): Promise<string> {
  const { membershipText } = await member.status();
  return `${membershipText}, storage ${(await member.storage()).replace(/^status: /, '')}`;
}

async function checkFiles(world: World): Promise<Pick<WithAgents, 'files' | 'joint'>> {
  const files: FileProof[] = [];
  for (const member of DATABASES.flatMap((database) => world.clusters[database].members)) {
    files.push(await checkCluster(`${member.database.toUpperCase()} of ${member.node}`, [member]));
  }
  const joint: FileProof[] = [];
  for (const database of DATABASES) {
    joint.push(await checkCluster(database.toUpperCase(), world.clusters[database].members));
  }
  return { files, joint };
}

async function checkCluster(name: string, members: readonly Member[]): Promise<FileProof> {
  const { exitCode, stdout, stderr } = await runProcess({
    file: OVSDB_TOOL,
    args: ['--', 'check-cluster', ...members.map(({ paths }) => paths.file)],
    timeoutMs: TOOL_TIMEOUT_MS,
  });
  const output = `${stderr}${stdout}`.trim().split('\n')[0] ?? '';
  return { name, isClean: exitCode === 0, words: output };
}

async function readLedgers(world: World): Promise<Record<Database, LedgerProof>> {
  const { clusters, ledgers } = world;
  return { nb: await readLedger(clusters.nb, ledgers.nb), sb: await readLedger(clusters.sb, ledgers.sb) };
}

async function readLedger(cluster: Cluster, ledger: LedgerWriter): Promise<LedgerProof> {
  const counts = await Promise.all(
    cluster.running().map(async (member) => [member.node, (await ledger.missing(member)).length] as const),
  );
  return { acknowledged: ledger.acknowledged.size, missing: Object.fromEntries(counts) };
}

function faultTimes(agents: readonly AgentProcess[], follower: AgentFollower): FaultTimes[] {
  return follower.courses.map(({ fault, foundAtMs, preservedAtMs, preservedSha256, healedAtMs }) => {
    const since = (atMs: number | null): number | null => (atMs === null ? null : atMs - fault.atMs);
    const stateDir = agents.find(({ node }) => node === fault.node)?.stateDir;
    return {
      node: fault.node,
      database: fault.database,
      foundMs: since(foundAtMs),
      preservedMs: since(preservedAtMs),
      copyIsThere:
        stateDir !== undefined &&
        preservedSha256 !== null &&
        existsSync(objectPath(copiesLayout(stateDir), preservedSha256)),
      healedMs: since(healedAtMs),
    };
  });
}

function turnsOf(entries: readonly JournalEntry[]): TurnSpan[] {
  return entries
    .filter(({ step }) => step === 'turn-held')
    .flatMap((held) => {
      const closed = entries.find(({ step, healId }) => step === 'closed' && healId === held.healId);
      if (closed === undefined) return [];
      const { node, database } = held;
      return [{ node, database, fromMs: Date.parse(held.at), toMs: Date.parse(closed.at) }];
    });
}

async function readVerdicts(agents: readonly AgentProcess[]): Promise<WithAgents['verdicts']> {
  const statuses = await Promise.all(agents.map((agent) => agent.status()));
  return statuses.flatMap(({ node, databases }) =>
    databases.map(({ diagnosis }) => ({
      node,
      database: diagnosis.database,
      verdict: diagnosis.cluster === 'ok' ? 'ok' : `${diagnosis.cluster}: ${diagnosis.because}`,
    })),
  );
}
