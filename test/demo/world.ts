import { join } from 'node:path';
import { DATABASES, type Database } from '../../src/ovsdb/database.ts';
import { type Cluster, LedgerWriter, type Member, startCluster } from '../engine/support/index.ts';
import type { WorldName } from './timeline.ts';

/** Member numbers, counted from 0. The sound member is never damaged and its host comes back late. */
export const SOUND = 0;

/** Quiet enough for a busy machine with two processors: a spurious election would only blur the story. */
const ELECTION_TIMER_MS = 2_000;
const ROWS_PER_SECOND = 5;
const PADDING_BYTES = 300;
const HANDOVER_ATTEMPTS = 8;

/** Three hosts with both databases, and a writer for each database that remembers what was acknowledged. */
export interface World {
  readonly name: WorldName;
  readonly clusters: Readonly<Record<Database, Cluster>>;
  readonly ledgers: Readonly<Record<Database, LedgerWriter>>;
}

export async function startWorld(name: WorldName, dir: string): Promise<World> {
  const starting = DATABASES.map((database) =>
    startCluster({ database, members: 3, dir, electionTimerMs: ELECTION_TIMER_MS }),
  );
  const ended = await Promise.allSettled(starting);
  const [nb, sb] = ended.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  const failure = ended.find((end) => end.status === 'rejected');
  if (failure !== undefined || nb === undefined || sb === undefined) {
    await Promise.all([nb?.dispose(), sb?.dispose()]);
    throw new Error(`the databases ${name} did not start`, { cause: failure?.reason });
  }
  const world = {
    name,
    clusters: { nb, sb },
    ledgers: { nb: ledgerOf(nb, dir), sb: ledgerOf(sb, dir) },
  };
  await Promise.all([letSoundMemberLead(nb), letSoundMemberLead(sb)]);
  return world;
}

/** The servers of one host, both databases. */
export function serversOf(world: World, number: number): readonly Member[] {
  return DATABASES.map((database) => world.clusters[database].member(number));
}

/** Power loss on all hosts at once. */
export async function killServers(world: World): Promise<void> {
  await Promise.all(DATABASES.map((database) => world.clusters[database].dispose()));
}

function ledgerOf(cluster: Cluster, dir: string): LedgerWriter {
  return new LedgerWriter(cluster, {
    rowsPerSecond: ROWS_PER_SECOND,
    paddingBytes: PADDING_BYTES,
    file: join(dir, `ledger-${cluster.database}.jsonl`),
  });
}

/** The member that created the cluster leads it at first; on a busy machine an election may have come in between. */
async function letSoundMemberLead(cluster: Cluster): Promise<void> {
  for (let attempt = 0; attempt < HANDOVER_ATTEMPTS; attempt += 1) {
    if ((await cluster.waitUntilCaughtUp()) === cluster.member(SOUND)) return;
    await cluster.moveLeadership();
  }
  throw new Error(`${cluster.member(SOUND).node} did not become leader of ${cluster.schemaName}`);
}
