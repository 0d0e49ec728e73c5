import { rename } from 'node:fs/promises';
import type { Cluster } from './cluster.ts';
import { LedgerWriter } from './ledger-writer.ts';

/** What a healthy cluster goes through in its life, one thing after the other. */
const EVENTS: readonly { readonly what: string; readonly play: (cluster: Cluster) => Promise<void> }[] = [
  { what: 'a follower restarts', play: restartFollower },
  { what: 'a leader hands over', play: handOver },
  { what: 'a leader is killed and comes back', play: killLeader },
  { what: 'logs rotate', play: rotateLogs },
  { what: 'a person compacts a follower', play: compactFollower },
  { what: 'a person compacts the leader', play: compactLeader },
  { what: 'all hosts restart one after the other', play: rollingRestart },
];

/** Plays every event again and again until the time is over, at least once each; what was played, in order. */
export async function liveOrdinaryLife(cluster: Cluster, durationMs: number): Promise<readonly string[]> {
  const endMs = performance.now() + durationMs;
  const ledger = new LedgerWriter(cluster, { rowsPerSecond: 10, maxRows: 100_000, prefix: 'life' });
  ledger.start();
  const played: string[] = [];
  for (let turn = 0; turn < EVENTS.length || performance.now() < endMs; turn += 1) {
    const event = EVENTS[turn % EVENTS.length];
    if (event === undefined) break;
    await event.play(cluster);
    await cluster.waitUntilCaughtUp();
    played.push(event.what);
  }
  await ledger.stop();
  for (const member of cluster.members) {
    const missing = await ledger.missing(member);
    if (missing.length > 0)
      throw new Error(`${member.node} lacks ${String(missing.length)} acknowledged rows`);
  }
  return played;
}

async function restartFollower(cluster: Cluster): Promise<void> {
  const [follower] = await cluster.followers();
  await follower?.restart();
}

async function handOver(cluster: Cluster): Promise<void> {
  await cluster.moveLeadership();
}

async function killLeader(cluster: Cluster): Promise<void> {
  const leader = await cluster.waitForLeader();
  await leader.kill9();
  await cluster.waitForLeader();
  await leader.start();
}

/** As logrotate does it: rename, then have the server open its log again. */
async function rotateLogs(cluster: Cluster): Promise<void> {
  for (const member of cluster.members) {
    await rename(member.paths.log, `${member.paths.log}.1`);
    await member.unixctl('vlog/reopen');
  }
}

async function compactFollower(cluster: Cluster): Promise<void> {
  const [follower] = await cluster.followers();
  await follower?.compact();
}

async function compactLeader(cluster: Cluster): Promise<void> {
  await (await cluster.waitForLeader()).compact();
}

async function rollingRestart(cluster: Cluster): Promise<void> {
  for (const member of cluster.members) {
    await member.restart();
    await cluster.waitUntilCaughtUp();
  }
}
