import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ClusterStatus, commitIndexOf } from '../../../src/ovsdb/cluster-status.ts';
import { type Database, SCHEMA_NAMES } from '../../../src/ovsdb/database.ts';
import { allocateRaftAddresses } from './addresses.ts';
import { Member, makeMemberDirectory } from './member.ts';
import { waitFor } from './wait.ts';

const OVSDB_TOOL = '/usr/bin/ovsdb-tool';
const DEFAULT_ELECTION_TIMER_MS = 1000;
const SETTLE_TIMEOUT_MS = 30_000;

const run = promisify(execFile);

export interface ClusterOptions {
  readonly database: Database;
  readonly members: 1 | 2 | 3 | 5;
  /** Member n lives in `dir/node-n`. Two clusters, nb and sb, may share it, as they do on a real host. */
  readonly dir: string;
  /** Default 1000, what a new cluster has anyway; another value is set through the leader. */
  readonly electionTimerMs?: number;
  /** Raft addresses to use instead of free ones on hosts of this process. */
  readonly addresses?: readonly string[];
  /** Further arguments for every ovsdb-server. */
  readonly serverArguments?: readonly string[];
}

/** A raft cluster of real ovsdb-server processes. */
export class Cluster {
  readonly database: Database;
  readonly schemaName: string;
  readonly members: readonly Member[];

  constructor(database: Database, members: readonly Member[]) {
    this.database = database;
    this.schemaName = SCHEMA_NAMES[database];
    this.members = members;
  }

  /** Member by number, counted from 0. */
  member(number: number): Member {
    const member = this.members[number];
    if (member === undefined) throw new Error(`there is no member ${String(number)}`);
    return member;
  }

  running(): Member[] {
    return this.members.filter((member) => member.isRunning);
  }

  /** Every member except `excluded`, running or not. */
  others(...excluded: readonly Member[]): Member[] {
    return this.members.filter((member) => !excluded.includes(member));
  }

  /** The running member that leads and says so, or undefined right now. With two claims the higher term counts. */
  async leader(): Promise<Member | undefined> {
    const claims = (await this.#statuses()).filter(
      ({ status }) => status.role === 'leader' && status.membership === 'member',
    );
    claims.sort((a, b) => b.status.term - a.status.term);
    return claims[0]?.member;
  }

  /** Running members that do not lead. */
  async followers(): Promise<Member[]> {
    const leader = await this.waitForLeader();
    return this.running().filter((member) => member !== leader);
  }

  /** Waits until a running member leads. */
  async waitForLeader(timeoutMs = SETTLE_TIMEOUT_MS): Promise<Member> {
    return await waitFor(`a leader of ${this.schemaName}`, () => this.leader(), timeoutMs);
  }

  /** Until every running member (or those given) is a member, knows the leader and has applied all of its log. */
  async waitUntilCaughtUp(
    members: readonly Member[] = this.running(),
    timeoutMs = SETTLE_TIMEOUT_MS,
  ): Promise<Member> {
    return await waitFor(
      `all members of ${this.schemaName} to catch up`,
      async () => {
        const leader = await this.leader();
        if (leader === undefined) return undefined;
        const target = await leader.status();
        const followers = members.filter((member) => member !== leader);
        const statuses = await Promise.all(followers.map((member) => member.status()));
        return statuses.every((status) => inStep(status, target)) ? leader : undefined;
      },
      timeoutMs,
    );
  }

  /** Makes another member lead: stops the leader gracefully, waits for a new one, starts the old one again. */
  async moveLeadership(): Promise<Member> {
    const old = await this.waitForLeader();
    await old.stop();
    await this.waitForLeader();
    await old.start();
    return await this.waitUntilCaughtUp();
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.running().map((member) => member.stop()));
  }

  async startAll(): Promise<void> {
    await Promise.all(this.others(...this.running()).map((member) => member.start()));
  }

  /** Kills every server of this cluster by its pid. Files stay. */
  async dispose(): Promise<void> {
    await Promise.all(this.running().map((member) => member.kill9()));
  }

  async #statuses(): Promise<{ member: Member; status: ClusterStatus }[]> {
    const answers = await Promise.allSettled(
      this.running().map(async (member) => ({ member, status: await member.status() })),
    );
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }
}

/**
 * Creates and starts a cluster with OVN's own schema and waits until all members are caught up. Whoever calls it calls
 * `dispose` at the end; should that be forgotten, the servers still die with this process.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { database, dir } = options;
  const addresses = options.addresses ?? (await allocateRaftAddresses(options.members));
  const members = addresses.slice(0, options.members).map((address, index) => {
    const node = `node-${String(index + 1)}`;
    const { serverArguments = [] } = options;
    return new Member({ database, node, address, directory: join(dir, node), serverArguments });
  });
  const cluster = new Cluster(database, members);
  try {
    await createFiles(cluster);
    await cluster.startAll();
    await cluster.waitUntilCaughtUp();
    await setElectionTimer(cluster, options.electionTimerMs ?? DEFAULT_ELECTION_TIMER_MS);
  } catch (error) {
    await cluster.dispose();
    throw error;
  }
  return cluster;
}

/** Writes a join file for `member` at its path: what every later member starts from. */
export async function createJoinFile(
  member: Member,
  others: readonly Member[],
  clusterId?: string,
): Promise<void> {
  const pin = clusterId === undefined ? [] : [`--cid=${clusterId}`];
  const remotes = others.map((other) => other.address);
  await run(OVSDB_TOOL, [
    ...pin,
    'join-cluster',
    member.paths.file,
    member.schemaName,
    member.address,
    ...remotes,
  ]);
}

/** OVN's schema, the file that its packages install. */
export function schemaFile(database: Database): string {
  const name = `ovn-${database}.ovsschema`;
  const unpacked = fileURLToPath(new URL(`../../../.tools/ovn/usr/share/ovn/${name}`, import.meta.url));
  return existsSync(unpacked) ? unpacked : `/usr/share/ovn/${name}`;
}

async function createFiles(cluster: Cluster): Promise<void> {
  const [first, ...rest] = cluster.members;
  if (first === undefined) throw new Error('a cluster needs a member');
  await Promise.all(cluster.members.map(makeMemberDirectory));
  await run(OVSDB_TOOL, ['create-cluster', first.paths.file, schemaFile(cluster.database), first.address]);
  for (const member of rest) await createJoinFile(member, [first]);
}

/** Raft lets the timer at most double at each change (`raft_unixctl_change_election_timer` in OVS `ovsdb/raft.c`). */
async function setElectionTimer(cluster: Cluster, wantedMs: number): Promise<void> {
  for (;;) {
    const leader = await cluster.waitForLeader();
    const { electionTimerMs } = await leader.status();
    if (electionTimerMs === wantedMs) return;
    const stepMs = Math.min(wantedMs, electionTimerMs * 2);
    await leader.unixctl('cluster/change-election-timer', cluster.schemaName, String(stepMs));
    await waitFor('the election timer to change', async () => {
      const now = await leader.status();
      return now.electionTimerMs === stepMs ? true : undefined;
    });
  }
}

function inStep(status: ClusterStatus, leader: ClusterStatus): boolean {
  return (
    status.membership === 'member' &&
    status.leader !== 'unknown' &&
    status.unapplied === 0 &&
    commitIndexOf(status) >= commitIndexOf(leader)
  );
}
