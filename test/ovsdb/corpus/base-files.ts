import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, LedgerWriter, schemaFile, waitFor } from '../../engine/support/index.ts';

/** Sound files of real servers: every way in which a file comes to be. */
export interface BaseFiles {
  /** Uncompacted, of the member that led first, then fell behind an election. */
  readonly formerLeader: string;
  /** Uncompacted, of a member that joined. */
  readonly follower: string;
  /** Compacted, and written on. */
  readonly compacted: string;
  /** From `create-cluster`, never opened by a server. */
  readonly fresh: string;
  /** From `join-cluster`, never opened by a server. */
  readonly joining: string;
  /** The list of members was changed by a kick. */
  readonly afterKick: string;
  /** Of the member that was kicked. */
  readonly kicked: string;
}

/** Lets a cluster of three live through writes, an election, a compaction and a kick, and copies its files. */
export async function makeBaseFiles(cluster: Cluster, directory: string): Promise<BaseFiles> {
  const path = (name: string): string => join(directory, `${name}.db`);
  const keep = (number: number, name: string): string => {
    copyFileSync(cluster.member(number).paths.file, path(name));
    return path(name);
  };
  const write = async (rows: number, prefix: string): Promise<void> => {
    const ledger = new LedgerWriter(cluster, { prefix });
    await ledger.write(rows);
    await ledger.stop();
    await cluster.waitUntilCaughtUp();
  };
  await write(30, 'before');
  await cluster.moveLeadership();
  await write(30, 'after');
  await cluster.member(2).compact();
  await write(15, 'compacted');
  await cluster.stopAll();
  const lived = {
    formerLeader: keep(0, 'former-leader'),
    follower: keep(1, 'follower'),
    compacted: keep(2, 'compacted'),
  };
  await cluster.startAll();
  await kick(cluster);
  const left = { afterKick: keep(0, 'after-kick'), kicked: keep(2, 'kicked') };
  const { schemaName, address, database } = cluster.member(0);
  execFileSync('/usr/bin/ovsdb-tool', ['create-cluster', path('fresh'), schemaFile(database), address]);
  const joining = [path('joining'), schemaName, cluster.member(1).address, address];
  execFileSync('/usr/bin/ovsdb-tool', ['join-cluster', ...joining]);
  return { ...lived, ...left, fresh: path('fresh'), joining: path('joining') };
}

async function kick(cluster: Cluster): Promise<void> {
  const leader = await cluster.waitUntilCaughtUp();
  const victim = cluster.member(2);
  const { serverId } = await victim.status();
  await leader.unixctl('cluster/kick', cluster.schemaName, serverId);
  await waitFor('the kicked member to leave', () =>
    victim.logText().includes('finished leaving cluster') ? true : undefined,
  );
  await cluster.stopAll();
}
