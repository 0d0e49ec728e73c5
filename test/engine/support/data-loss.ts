import { commitIndexOf } from '../../../src/ovsdb/cluster-status.ts';
import type { ServerExit } from './child-servers.ts';
import type { Cluster } from './cluster.ts';
import { flipRecord } from './damage.ts';
import { LedgerWriter } from './ledger-writer.ts';
import type { Member } from './member.ts';
import { waitFor } from './wait.ts';

/** Who is who after two members have lost a part of their history and the third has not. */
export interface SplitHistory {
  /** Rotten, yet running, green and in the majority. */
  readonly liars: readonly [Member, Member];
  /** Has every acknowledged row in its file. */
  readonly sound: Member;
  /** Commit index of the sound member when it was stopped. */
  readonly soundCommitIndex: number;
}

export interface SilentLoss extends SplitHistory {
  /** How the sound member's server died when it met the leader: SIGABRT on an assertion. */
  readonly firstExit: ServerExit;
  /** How its next start ended: exit 1, "attempts to truncate log". */
  readonly secondExit: ServerExit;
}

/**
 * The data-loss lab on plain servers: one bit is flipped in the middle of two members' files, all hosts stop, the two
 * come back first. They drop all that follows the flip, elect a leader and look healthy. The third, the only one with
 * all the data, then dies on the assertion `commit_index < log_end` and cannot be started again.
 * Needs a cluster of three with rows in it, all members running and caught up.
 */
export async function loseDataSilently(cluster: Cluster): Promise<SilentLoss> {
  const split = await splitHistory(cluster);
  await split.sound.start().catch(() => undefined); // it may die before it answers for the first time
  const firstExit = await split.sound.awaitExit(30_000);
  const secondExit = await split.sound.startAndAwaitExit();
  return { ...split, firstExit, secondExit };
}

/**
 * First hole of "is the bad member ahead?": the liars take more writes than the sound member ever had and are compacted,
 * so that no index is in both logs. Started then, the sound member takes their snapshot **silently**: member, storage
 * ok, its rows gone, without one warning.
 */
export async function overtakeSoundMember(cluster: Cluster): Promise<SplitHistory> {
  const split = await splitHistory(cluster);
  await growBeyond(cluster, split.soundCommitIndex);
  await compactAll(split.liars);
  await split.sound.start();
  await cluster.waitUntilCaughtUp();
  return split;
}

export interface StrandedMember extends SplitHistory {
  /** The leader among the liars while the sound member was out of step. */
  readonly leader: Member;
}

/**
 * Second hole: the liars are compacted **before** the sound member comes back, and their log is still shorter. It stays
 * alive, says `cluster member`, is rejected for ever ("term mismatch") and has match_index 0 at the leader. Its memory
 * and file are the only copy, and the next compaction of the liars overwrites it: see {@link overwriteStranded}.
 */
export async function strandSoundMember(cluster: Cluster): Promise<StrandedMember> {
  const split = await splitHistory(cluster);
  await new LedgerWriter(cluster, { prefix: 'early' }).write(2);
  await compactAll(split.liars);
  await split.sound.start();
  await waitFor('the sound member to be rejected', () =>
    split.sound.logText().includes('term mismatch') ? true : undefined,
  );
  return { ...split, leader: await cluster.waitForLeader() };
}

/** The one more compaction after which the stranded member's rows are gone from every live copy. */
export async function overwriteStranded(cluster: Cluster, stranded: StrandedMember): Promise<void> {
  await growBeyond(cluster, stranded.soundCommitIndex);
  await compactAll(stranded.liars);
  await cluster.waitUntilCaughtUp();
}

/** Flips a bit in two followers' files, stops all, starts these two and waits until they have a leader. */
async function splitHistory(cluster: Cluster): Promise<SplitHistory> {
  const sound = await cluster.waitUntilCaughtUp();
  const soundCommitIndex = commitIndexOf(await sound.status());
  const [one, two] = cluster.others(sound);
  if (one === undefined || two === undefined) throw new Error('the lab needs three members');
  const liars = [one, two] as const;
  for (const liar of liars) flipRecord(liar.paths.file);
  await cluster.stopAll();
  await Promise.all(liars.map((liar) => liar.start()));
  await cluster.waitForLeader();
  return { liars, sound, soundCommitIndex };
}

/** Adds rows until the live commit index is well beyond `index`. */
async function growBeyond(cluster: Cluster, index: number): Promise<void> {
  const ledger = new LedgerWriter(cluster, { prefix: 'late' });
  for (;;) {
    const leader = await cluster.waitForLeader();
    if (commitIndexOf(await leader.status()) > index + 10) break;
    await ledger.write(10);
  }
  await ledger.stop();
}

async function compactAll(members: readonly Member[]): Promise<void> {
  for (const member of members) await member.compact();
}
