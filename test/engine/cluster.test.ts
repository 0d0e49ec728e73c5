import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LedgerWriter, startTestCluster } from './support/index.ts';

for (const database of ['nb', 'sb'] as const) {
  test(`a ${database} cluster of three keeps every acknowledged row when its leader is killed`, async (t) => {
    const cluster = await startTestCluster(t, { database, members: 3 });
    const ledger = new LedgerWriter(cluster);
    await ledger.write(50);
    const killed = await cluster.waitForLeader();
    await killed.kill9();
    const leader = await cluster.waitForLeader();
    assert.notEqual(leader, killed);
    await ledger.write(5);
    await killed.start();
    await cluster.waitUntilCaughtUp();
    for (const member of cluster.members) assert.deepEqual(await ledger.missing(member), []);
    await ledger.stop();
    await cluster.stopAll();
    assert.deepEqual(cluster.running(), []);
  });
}
