import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  LedgerWriter,
  loseDataSilently,
  overtakeSoundMember,
  overwriteStranded,
  startTestCluster,
  strandSoundMember,
} from './support/index.ts';

const ROWS = 40;

test('two rotten members outvote the sound one: acknowledged rows are gone and it dies of an assertion', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 3 });
  const ledger = new LedgerWriter(cluster);
  await ledger.write(ROWS);
  await ledger.stop();
  const { liars, sound, firstExit, secondExit } = await loseDataSilently(cluster);

  assert.equal(firstExit.signal, 'SIGABRT');
  assert.match(sound.logText(), /assertion raft->commit_index < raft->log_end failed/);
  assert.equal(secondExit.exitCode, 1);
  assert.match(sound.stderrText(), /attempts to truncate log from \d+ to \d+ entries, but commit index is/);
  for (const liar of liars) {
    const lost = await ledger.missing(liar);
    t.diagnostic(`${liar.node} has lost ${String(lost.length)} of ${String(ROWS)} acknowledged rows`);
    assert.ok(lost.length > ROWS / 4 && lost.length < ROWS);
    assert.equal((await liar.status()).membership, 'member');
    assert.equal(await liar.storage(), 'status: ok');
  }
});

test('rotten members that have overtaken the sound one wipe it without a warning', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 3 });
  const ledger = new LedgerWriter(cluster);
  await ledger.write(ROWS);
  await ledger.stop();
  const { sound } = await overtakeSoundMember(cluster);

  const lost = await ledger.missing(sound);
  t.diagnostic(`the sound member has lost ${String(lost.length)} of ${String(ROWS)} acknowledged rows`);
  assert.ok(lost.length > ROWS / 4);
  assert.equal((await sound.status()).membership, 'member');
  assert.equal(await sound.storage(), 'status: ok');
  assert.doesNotMatch(sound.logText(), /\|(ERR|EMER)\|/);
});

test('a sound member out of step looks like a member until one more compaction overwrites it', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 3 });
  const ledger = new LedgerWriter(cluster);
  await ledger.write(ROWS);
  await ledger.stop();
  const stranded = await strandSoundMember(cluster);

  const { sound, leader } = stranded;
  assert.deepEqual(await ledger.missing(sound), [], 'the sound member still has every row');
  assert.equal((await sound.status()).membership, 'member');
  const row = (await leader.status()).servers.find(({ address }) => address === sound.address);
  assert.equal(row?.matchIndex, 0);

  await overwriteStranded(cluster, stranded);
  assert.ok((await ledger.missing(sound)).length > ROWS / 4, 'now its rows are gone');
});
