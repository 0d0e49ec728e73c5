import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Diagnosis } from '../../../src/diagnose/verdict.ts';
import { type JournalEntry, parseJournal } from '../../../src/heal/journal.ts';
import type { StatusDocument } from '../../../src/heal/status-document.ts';
import type { Database } from '../../../src/ovsdb/database.ts';
import { type AgentOverrides, type AgentProcess, startAgents } from '../../support/agent-process.ts';
import { makeCertificates } from '../../support/certificates.ts';
import type { Cluster } from './cluster.ts';
import { startTestCluster, temporaryDirectory } from './test-context.ts';
import { waitFor } from './wait.ts';

/** A cluster of three with a real agent beside each member, all of them armed. */
export interface WatchedCluster {
  readonly cluster: Cluster;
  readonly agents: readonly AgentProcess[];
  agentOf(node: string): AgentProcess;
  /** Waits until what one agent says of the database satisfies `wanted`; what it says then. */
  waitForDiagnosis(
    agent: AgentProcess,
    what: string,
    wanted: (said: Diagnosis) => boolean,
  ): Promise<Diagnosis>;
  /** Everything that the agents ever wrote down before an act. */
  journals(): readonly JournalEntry[];
}

const ARM_TIMEOUT_MS = 60_000;
const VERDICT_TIMEOUT_MS = 60_000;

/** Starts the servers, then the agents, and waits until all agents are armed. All of it ends with the test. */
export async function startWatchedCluster(
  context: TestContext,
  options: {
    readonly database: Database;
    readonly overrides?: AgentOverrides;
    readonly prepare?: (cluster: Cluster) => Promise<void>;
  },
): Promise<WatchedCluster> {
  const { database } = options;
  const cluster = await startTestCluster(context, { database, members: 3 });
  await options.prepare?.(cluster);
  const dir = temporaryDirectory(context);
  const certificates = await makeCertificates(
    join(dir, 'tls'),
    cluster.members.map(({ node }) => node),
  );
  const agents = await startAgents({
    clusters: { [database]: cluster },
    dir,
    certificates,
    ...(options.overrides === undefined ? {} : { overrides: options.overrides }),
  });
  context.after(async () => {
    await Promise.all(
      agents.map(async (agent) => {
        await agent.kill9();
      }),
    );
  });
  for (const agent of agents) {
    await waitFor(
      `the agent of ${agent.node} to be armed`,
      async () => ((await armed(agent)) ? true : undefined),
      ARM_TIMEOUT_MS,
    );
  }
  return {
    cluster,
    agents,
    agentOf: (node) => agentOf(agents, node),
    waitForDiagnosis: async (agent, what, wanted) =>
      await waitFor(
        what,
        async () => {
          const said = diagnosisOf(await agent.status(), database);
          return wanted(said) ? said : undefined;
        },
        VERDICT_TIMEOUT_MS,
      ),
    journals: () => agents.flatMap(({ stateDir }) => journalIn(stateDir)),
  };
}

/** The journal in an agent's state directory; every line of it must be readable. */
export function journalIn(stateDir: string): readonly JournalEntry[] {
  const { entries, badLines } = parseJournal(readFileSync(join(stateDir, 'journal.jsonl'), 'utf8'));
  if (badLines.length > 0)
    throw new Error(`${stateDir}: journal lines ${badLines.join(', ')} cannot be read`);
  return entries;
}

async function armed(agent: AgentProcess): Promise<boolean> {
  return (await agent.status()).armed.armed;
}

function agentOf(agents: readonly AgentProcess[], node: string): AgentProcess {
  const agent = agents.find((candidate) => candidate.node === node);
  if (agent === undefined) throw new Error(`there is no agent on ${node}`);
  return agent;
}

function diagnosisOf(status: StatusDocument, database: Database): Diagnosis {
  const found = status.databases.find(({ diagnosis }) => diagnosis.database === database);
  if (found === undefined) throw new Error(`the status says nothing of ${database}`);
  return found.diagnosis;
}
