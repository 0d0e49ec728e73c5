import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { LiveFileVerifier, type LiveLook } from '../../src/ovsdb/live-file-verifier.ts';
import {
  type Cluster,
  LedgerWriter,
  type Member,
  flipByte,
  flipRecord,
  listRecords,
  startTestCluster,
  temporaryDirectory,
} from '../engine/support/index.ts';
import { commit, entries, entry, header, logOf } from './small-log.ts';

const INCREMENTAL = { mode: 'incremental', writerAlive: false } as const;
const FULL = { mode: 'full', writerAlive: false } as const;
const RUNNING = { mode: 'incremental', writerAlive: true } as const;

interface SmallFile {
  readonly path: string;
  readonly verifier: LiveFileVerifier;
}

function smallFile(context: TestContext, ...records: readonly unknown[]): SmallFile {
  const path = join(temporaryDirectory(context), 'test.db');
  writeFileSync(path, logOf(header(), ...records));
  const verifier = new LiveFileVerifier(path);
  context.after(async () => {
    await verifier.close();
  });
  return { path, verifier };
}

function kindsOf({ report }: LiveLook): string[] {
  return report.problems.map(({ kind }) => kind);
}

async function write(cluster: Cluster, rows: number, prefix: string): Promise<void> {
  const ledger = new LedgerWriter(cluster, { prefix });
  await ledger.write(rows);
  await ledger.stop();
  await cluster.waitUntilCaughtUp();
}

test('only what was added is read, and the history goes on', async (t) => {
  const { path, verifier } = smallFile(t, ...entries(2, 2000));
  const first = await verifier.check(INCREMENTAL);
  assert.deepEqual([first.mode, first.continues, kindsOf(first)], ['full', false, []]);
  appendFileSync(path, logOf(...entries(2001, 2003)));
  const second = await verifier.check(INCREMENTAL);
  assert.deepEqual([second.mode, second.continues, second.history.lastIndex], ['incremental', true, 2003]);
  assert.ok(second.bytesRead < 10_000, String(second.bytesRead));
  const third = await verifier.check(INCREMENTAL);
  assert.deepEqual([third.bytesRead, third.report.ok, third.report.commitIndex], [0, true, 2003]);
});

test('a flip in what was verified is not seen by an incremental check, and is by a full one', async (t) => {
  const { path, verifier } = smallFile(t, ...entries(2, 200));
  await verifier.check(FULL);
  flipByte(path, listRecords(path)[100]?.bodyOffset ?? 0);
  assert.deepEqual(kindsOf(await verifier.check(INCREMENTAL)), []);
  const full = await verifier.check(FULL);
  assert.deepEqual(kindsOf(full), ['damaged-record']);
  assert.deepEqual(kindsOf(await verifier.check(INCREMENTAL)), ['damaged-record'], 'it stays reported');
});

test('damage stays reported while the log goes on behind it', async (t) => {
  const { path, verifier } = smallFile(t, ...entries(2, 50));
  flipRecord(path, 0.5);
  assert.deepEqual(kindsOf(await verifier.check(INCREMENTAL)), ['damaged-record']);
  appendFileSync(path, logOf(...entries(51, 60)));
  const later = await verifier.check(INCREMENTAL);
  assert.deepEqual(
    [later.mode, kindsOf(later), later.history.lastIndex],
    ['incremental', ['damaged-record'], 60],
  );
});

test('a record that is being written is no problem while its writer lives, and none when it is finished', async (t) => {
  const { path, verifier } = smallFile(t, ...entries(2, 10));
  const next = logOf(entry(11), commit(11));
  for (const cut of [5, 30, 80, 120]) {
    appendFileSync(path, next.subarray(0, cut));
    const pending = await verifier.check(RUNNING);
    assert.deepEqual([kindsOf(pending), pending.pendingTailBytes], [[], cut]);
    const dead = await verifier.check(INCREMENTAL);
    assert.deepEqual([kindsOf(dead), dead.pendingTailBytes], [['torn-tail'], 0]);
    appendFileSync(path, next.subarray(cut));
    const whole = await verifier.check(RUNNING);
    assert.deepEqual([kindsOf(whole), whole.history.lastIndex, whole.pendingTailBytes], [[], 11, 0]);
    truncateSync(path, statSync(path).size - next.length);
    await verifier.check(FULL);
  }
});

test('a tail that is wrong, not unfinished, is a problem although the writer lives', async (t) => {
  const { path, verifier } = smallFile(t, ...entries(2, 10));
  appendFileSync(path, Buffer.alloc(100));
  assert.deepEqual(kindsOf(await verifier.check(RUNNING)), ['torn-tail']);
  appendFileSync(path, logOf(...entries(11, 12)));
  assert.deepEqual(kindsOf(await verifier.check(RUNNING)), ['damaged-record']);
});

test('a file that became shorter, or begins with other bytes, is read anew', async (t) => {
  const { path, verifier } = smallFile(t, ...entries(2, 50));
  await verifier.check(FULL);
  truncateSync(path, listRecords(path)[20]?.offset ?? 0);
  const shorter = await verifier.check(INCREMENTAL);
  assert.deepEqual([shorter.mode, shorter.report.ok], ['full', true]);
  writeFileSync(path, logOf(header({ name: 'OVN_Southbound' }), ...entries(2, 60)));
  const other = await verifier.check(INCREMENTAL);
  assert.deepEqual([other.mode, other.report.database], ['full', 'OVN_Southbound']);
});

test('a file that is gone, and one that is there again, are told', async (t) => {
  const { path, verifier } = smallFile(t, ...entries(2, 10));
  await verifier.check(FULL);
  renameSync(path, `${path}.away`);
  const gone = await verifier.check(RUNNING);
  assert.deepEqual([kindsOf(gone), gone.inode, gone.continues], [['unreadable'], 'none', false]);
  renameSync(`${path}.away`, path);
  assert.deepEqual(kindsOf(await verifier.check(RUNNING)), []);
});

test('checks that are asked for at the same time run one after the other', async (t) => {
  const { path, verifier } = smallFile(t, ...entries(2, 10));
  const looks = await Promise.all([verifier.check(FULL), verifier.check(INCREMENTAL), verifier.check(FULL)]);
  assert.deepEqual(
    looks.map(({ mode, report }) => [mode, report.ok]),
    [
      ['full', true],
      ['incremental', true],
      ['full', true],
    ],
  );
  assert.equal(looks[0].report.sizeBytes, readFileSync(path).length);
});

test('a compaction by a real server is seen as the same log; a snapshot from another member is not', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 3 });
  const leader = await cluster.waitForLeader();
  const [follower] = cluster.others(leader);
  assert.ok(follower !== undefined);
  const verifier = new LiveFileVerifier(follower.paths.file);
  t.after(async () => {
    await verifier.close();
  });
  await write(cluster, 20, 'before');
  assert.deepEqual(kindsOf(await verifier.check(RUNNING)), []);
  // More than was seen is written before the compaction: the old file is read to its end.
  await write(cluster, 20, 'unseen');
  await follower.compact();
  const compacted = await verifier.check(RUNNING);
  assert.deepEqual([compacted.mode, compacted.continues, kindsOf(compacted)], ['full', true, []]);

  await follower.stop();
  await write(cluster, 20, 'missed');
  for (const member of cluster.running()) await member.compact();
  await follower.start();
  await cluster.waitUntilCaughtUp();
  const installed = await verifier.check(RUNNING);
  assert.deepEqual([installed.mode, installed.continues, kindsOf(installed)], ['full', false, []]);
});

test('while a real server writes without a pause no check finds anything', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 1 });
  const member = cluster.member(0);
  const ledger = new LedgerWriter(cluster, { rowsPerSecond: 1000, paddingBytes: 9000 });
  const verifier = new LiveFileVerifier(member.paths.file);
  t.after(async () => {
    await verifier.close();
  });
  ledger.start();
  for (let round = 0; round < 100; round += 1) {
    const look = await verifier.check({ mode: round % 10 === 0 ? 'full' : 'incremental', writerAlive: true });
    assert.deepEqual(kindsOf(look), []);
  }
  await ledger.stop();
  const last = await verifier.check(RUNNING);
  assert.deepEqual([last.report.ok, last.pendingTailBytes], [true, 0]);
});

test('a torn tail is reported while no server runs, and gone when a server has started and cut it off', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 1 });
  const member: Member = cluster.member(0);
  await write(cluster, 10, 'row');
  await member.kill9();
  const verifier = new LiveFileVerifier(member.paths.file);
  t.after(async () => {
    await verifier.close();
  });
  assert.deepEqual(kindsOf(await verifier.check(INCREMENTAL)), []);
  appendFileSync(member.paths.file, logOf(entry(1000)).subarray(0, 100));
  assert.deepEqual(kindsOf(await verifier.check(INCREMENTAL)), ['torn-tail']);
  await member.start();
  await cluster.waitUntilCaughtUp();
  await write(cluster, 3, 'later');
  const later = await verifier.check(RUNNING);
  assert.deepEqual([kindsOf(later), later.report.ok], [[], true]);
});
