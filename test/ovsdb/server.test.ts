import assert from 'node:assert/strict';
import { rmSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { WardenError } from '../../src/lib/errors.ts';
import { commitIndexOf } from '../../src/ovsdb/cluster-status.ts';
import {
  clusterStatus,
  compact,
  compactRefusalOf,
  memoryShow,
  serverVersion,
  storageStatus,
} from '../../src/ovsdb/server.ts';
import {
  LedgerWriter,
  createJoinFile,
  flipRecord,
  listRecords,
  startTestCluster,
  waitFor,
} from '../engine/support/index.ts';

const OPTIONS = { timeoutMs: 10_000 };
const SCHEMA = 'OVN_Northbound';

test('a running member tells its status, storage, version and memory', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 3 });
  const leader = await cluster.waitForLeader();
  const status = await clusterStatus(leader.paths.socket, SCHEMA, OPTIONS);
  assert.equal(status.address, leader.address);
  assert.equal(status.servers.length, 3);
  assert.equal(commitIndexOf(status), status.log.end - 1);
  assert.equal(await storageStatus(leader.paths.socket, SCHEMA, OPTIONS), 'ok');
  assert.match(await serverVersion(leader.paths.socket, OPTIONS), /^\d+\.\d+\.\d+/);
  assert.ok(((await memoryShow(leader.paths.socket, OPTIONS)).get('cells') ?? 0) > 0);
});

test('a server without the database refuses by name', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 1 });
  const { socket } = cluster.member(0).paths;
  const refused = { code: 'server-refused', details: { text: 'unknown cluster' } };
  await assert.rejects(clusterStatus(socket, 'OVN_Southbound', OPTIONS), refused);
  await assert.rejects(storageStatus(socket, 'OVN_Southbound', OPTIONS), { code: 'server-refused' });
});

test('a member that was kicked while it runs answers that it knows no such cluster', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 3 });
  const leader = await cluster.waitForLeader();
  const [kicked] = await cluster.followers();
  assert.ok(kicked !== undefined);
  const { serverId } = await kicked.status();
  await leader.unixctl('cluster/kick', SCHEMA, serverId);
  const error = await waitFor('the kicked member to let go of the database', async () => {
    try {
      await clusterStatus(kicked.paths.socket, SCHEMA, OPTIONS);
      return undefined;
    } catch (reason) {
      return reason;
    }
  });
  assert.deepEqual(error instanceof WardenError && error.details['text'], 'unknown cluster');
  assert.ok(kicked.isRunning);
});

test('compaction mends the rotten file of a live member in place and then has nothing more to do', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 3 });
  const ledger = new LedgerWriter(cluster);
  await ledger.write(20);
  await ledger.stop();
  await cluster.waitUntilCaughtUp();
  const [follower] = await cluster.followers();
  assert.ok(follower !== undefined);
  flipRecord(follower.paths.file);
  assert.throws(() => listRecords(follower.paths.file), /wrong checksum/);
  const inode = statSync(follower.paths.file).ino;

  assert.deepEqual(await compact(follower.paths.socket, SCHEMA, OPTIONS), { outcome: 'done' });
  assert.notEqual(statSync(follower.paths.file).ino, inode);
  assert.ok(listRecords(follower.paths.file).length > 0);
  assert.deepEqual(await ledger.missing(follower), []);
  const again = await compact(follower.paths.socket, SCHEMA, OPTIONS);
  assert.equal(again.outcome === 'refused' && again.reason, 'nothing-new');
});

test('once a compaction is done the file is another one, however quick the server says yes', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 1 });
  const { socket, file } = cluster.member(0).paths;
  const ledger = new LedgerWriter(cluster);
  for (let round = 0; round < 20; round += 1) {
    await ledger.write(1);
    const inode = statSync(file).ino;
    assert.deepEqual(await compact(socket, SCHEMA, OPTIONS), { outcome: 'done' });
    assert.notEqual(statSync(file).ino, inode, `round ${String(round)}`);
  }
  await ledger.stop();
});

test('a joiner is not asked to compact: it would die of it', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 2 });
  const [first, second] = [cluster.member(0), cluster.member(1)];
  await cluster.stopAll();
  rmSync(second.paths.file);
  await createJoinFile(second, [first]);
  await second.start();
  const outcome = await compact(second.paths.socket, SCHEMA, OPTIONS);
  assert.deepEqual(outcome, { outcome: 'refused', reason: 'joining-or-leaving', text: 'joining cluster' });
  assert.ok(second.isRunning);
});

/** Words of ovsdb-server 3.1.0, as they came over its control socket. */
const refusals = [
  ['ovsdb error: not storing a duplicate snapshot', 'nothing-new'],
  ['ovsdb error: cannot store a snapshot following failure', 'after-failure'],
  ['I/O error: /etc/ovn/ovnnb_db.db.tmp: write failed (No space left on device)', 'no-space'],
  ['no database by that name', 'other'],
  ['cannot compact built-in databases', 'other'],
] as const;

for (const [text, reason] of refusals) {
  test(`"${text}" is a refusal of the kind ${reason}`, () => {
    assert.equal(compactRefusalOf(text), reason);
  });
}
