import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { type Copies, openCopies } from '../backup/copies.ts';
import { COPY_KINDS, type CopyItem } from '../backup/copy-item.ts';
import { listObjects } from '../backup/object-store.ts';
import { freeBytes } from '../backup/room.ts';
import type { Config } from '../config/schema.ts';
import { agentSocketPath } from '../config/state-paths.ts';
import { requireFreeSocket } from '../http/socket-server.ts';
import { Journal } from '../heal/journal.ts';
import { TurnKeeper } from '../heal/turn.ts';
import { type Clock, isoTime } from '../lib/clock.ts';
import { makeDirectoryDurably } from '../lib/durable-file.ts';
import { messageOf } from '../lib/errors.ts';
import { availableMemoryBytes } from '../lib/memory.ts';
import { wardenVersion } from '../lib/version.ts';
import { type Metrics, createMetrics } from '../metrics/metrics.ts';
import { DATABASES, SCHEMA_NAMES } from '../ovsdb/database.ts';
import { createOvsdbTool } from '../ovsdb/ovsdb-tool.ts';
import { compact } from '../ovsdb/server.ts';
import { createPeerClient } from '../peers/peer-client.ts';
import { openTlsStore } from '../peers/tls-store.ts';
import type { Agent } from './agent.ts';
import { createArmory } from './armory.ts';
import { CopyKeeper } from './copy-keeper.ts';
import { createMember } from './create-member.ts';
import { Exchange } from './exchange.ts';
import { healDocuments } from './heal-history.ts';
import { Healer, type HealerPort } from './healer.ts';
import { holdings } from './holdings.ts';
import { Lifecycle } from './lifecycle.ts';
import { type MemberView, viewOf } from './member.ts';
import { RecentFindings } from './recent-findings.ts';
import { statusDocument } from './status.ts';

const TOOL_TIMEOUT_MS = 120_000;

type Trouble = (what: string, error: unknown) => void;

/** What everything else is built from. */
interface Ground {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly trouble: Trouble;
}

/** Builds every part of an agent and starts none. The one place that says `new`. */
export async function composeAgent(
  config: Config,
  log: Logger,
  clock: Clock,
  signal: AbortSignal,
): Promise<Agent> {
  const { stateDir } = config;
  await makeDirectoryDurably(stateDir);
  // Before anything is opened: two agents on one state would spoil it.
  await requireFreeSocket(agentSocketPath(stateDir));
  const trouble: Trouble = (what, error) => {
    log.warn({ what, error: messageOf(error) }, 'trouble');
  };
  const ground: Ground = { config, log, clock, signal, trouble };
  const metrics = await composeMetrics(ground);
  const { tls, client, exchange } = await composePeers(ground, metrics);
  const copies = await openCopies(stateDir, (message) => {
    log.warn(message);
  });
  const tool = createOvsdbTool({ path: config.ovsdbTool, timeoutMs: TOOL_TIMEOUT_MS });
  const copyKeeper = new CopyKeeper({ copies, config, tool, clock });
  const findings = new RecentFindings();
  const members = DATABASES.flatMap((database) => {
    const recent = (): ReturnType<RecentFindings['of']> => findings.of(database, clock.nowMs());
    const member = createMember(database, { ...ground, metrics, copies: copyKeeper, findings: recent });
    return member === null ? [] : [member];
  });
  const armory = await createArmory(join(stateDir, 'armed.json'), config.heal.armAfterMs, clock);
  const journal = await Journal.open(join(stateDir, 'journal.jsonl'), (line) => {
    log.warn({ line }, 'journal line cannot be read');
  });
  const healer = new Healer({
    ...{ config, clock, journal, exchange, members },
    keeper: new TurnKeeper(clock, config.heal.turnMs),
    armed: () => armory.state(),
    random: Math.random,
    port: healerPort(ground, metrics, copyKeeper),
  });
  const views = (): readonly MemberView[] => members.map((member) => viewOf(member, exchange, config));
  const known = await knownCopies(copies, metrics);
  return {
    ...{ config, log, clock, signal, metrics, tls, client, exchange, copies, copyKeeper, findings },
    ...{ members, armory, journal, healer, views },
    lifecycle: new Lifecycle(trouble),
    refreshCopies: known.refresh,
    status: () =>
      statusDocument({
        config,
        version: wardenVersion(),
        at: isoTime(clock.nowMs()),
        armed: armory.state(),
        views: views(),
        planFor: (database) => healer.planFor(database),
        heals: healDocuments(journal.entries),
        copies: known.items(),
      }),
  };
}

async function composeMetrics({ config, trouble }: Ground): Promise<Metrics> {
  const metrics = await createMetrics({
    node: config.node,
    version: wardenVersion(),
    databases: DATABASES.filter((database) => config.databases[database] !== undefined),
    siblings: config.peer.siblings.map(({ node }) => node),
    stateDir: config.stateDir,
    onProblem: (error) => {
      trouble('metrics', error);
    },
  });
  metrics.copiesBudget(config.backup.maxBytes);
  return metrics;
}

async function composePeers({ config, log, clock, trouble }: Ground, metrics: Metrics) {
  const { node, peer } = config;
  const tls = await openTlsStore(peer.tls, {
    node,
    onProblem: (error) => {
      trouble('certificates', error);
    },
  });
  const client = createPeerClient({ tls, timeoutMs: peer.timeoutMs });
  const exchange = new Exchange({
    ...{ node, client, clock, siblings: peer.siblings },
    onAnswer: (sibling, outcome) => {
      metrics.peerAsked(sibling, outcome);
    },
    onTrouble: (sibling, error) => {
      log.debug({ sibling, error: messageOf(error) }, 'sibling did not answer');
    },
  });
  return { tls, client, exchange };
}

function healerPort({ config, log, trouble }: Ground, metrics: Metrics, copies: CopyKeeper): HealerPort {
  const { compactTimeoutMs } = config.heal;
  return {
    compact: async ({ socket, database }) =>
      await compact(socket, SCHEMA_NAMES[database], { timeoutMs: compactTimeoutMs }),
    isPreserved: async (sha256) => await copies.isSafe(sha256),
    preserve: async ({ database, watch }, reason) =>
      await copies.preserve(database, reason, watch.evidence().server.state !== 'down'),
    freeBytes: async (path) => await freeBytes(dirname(path)),
    availableMemoryBytes,
    fileSizeBytes: async (path) => (await stat(path)).size,
    onEnd: (database, end) => {
      log.warn({ database, ...end }, 'heal ended');
      if (end.outcome !== 'running') metrics.healEnded(database, 'compact', end.outcome);
    },
    onTrouble: trouble,
  };
}

/** Remembers which copies there are, so that `status` never waits for the disk. */
async function knownCopies(copies: Copies, metrics: Metrics) {
  let items: readonly CopyItem[] = [];
  const refresh = async (): Promise<void> => {
    items = (await copies.read()).items;
    const held = holdings(items, await listObjects(copies.layout));
    for (const kind of COPY_KINDS) metrics.copiesHeld(kind, held[kind]);
  };
  await refresh();
  return { refresh, items: () => items };
}
