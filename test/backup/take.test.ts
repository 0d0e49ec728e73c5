import assert from 'node:assert/strict';
import { appendFile, readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { databaseSha256 } from '../../src/backup/copy-item.ts';
import { digestFile, extractObject, listObjects, objectPath } from '../../src/backup/object-store.ts';
import { takeBackup } from '../../src/backup/take.ts';
import { WardenError } from '../../src/lib/errors.ts';
import {
  type Cluster,
  LedgerWriter,
  dropLastCommittedEntry,
  flipByte,
  flipRecord,
  listRecords,
  startTestCluster,
} from '../engine/support/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import {
  type Bench,
  checkClusterOf,
  createDatabase,
  faultsOf,
  openBench,
  takeRequest,
  verify,
} from './support.ts';

/** A file that a real server wrote, at rest. */
async function filledFile(t: TestContext, rows = 40): Promise<string> {
  const cluster = await startTestCluster(t, { database: 'nb', members: 1 });
  const writer = new LedgerWriter(cluster);
  await writer.write(rows);
  await writer.stop();
  await cluster.stopAll();
  return cluster.member(0).paths.file;
}

async function stored(bench: Bench, sha256: string): Promise<Buffer> {
  const out = join(bench.stateDir, 'extracted');
  await extractObject(bench.copies.layout, sha256, out);
  return await readFile(out);
}

describe('a backup', () => {
  it('holds exactly the bytes of the file, verified, and tells where they come from', async (t) => {
    const bench = await openBench(t);
    const file = await filledFile(t);
    const { outcome, item } = await takeBackup(bench.copies, takeRequest(file));
    const { report } = await verify(file);
    assert.equal(outcome, 'stored');
    assert.deepEqual(item.verdict, { state: 'verified' });
    assert.equal(databaseSha256(item), (await digestFile(file)).sha256);
    assert.deepEqual(item.position, {
      term: report.term,
      lastIndex: report.lastIndex,
      commitIndex: report.commitIndex,
      eid: report.eid,
    });
    assert.equal(item.identity.clusterId, report.clusterId);
    assert.equal(item.files[0]?.mode, (await stat(file)).mode & 0o777);
    assert.ok((await stored(bench, databaseSha256(item) ?? '')).equals(await readFile(file)));
    assert.deepEqual((await bench.copies.read()).items, [item]);
    assert.deepEqual(await readdir(bench.copies.layout.staging), []);
  });

  it('is only confirmed while the file has not changed, and taken anew when it has', async (t) => {
    const bench = await openBench(t);
    const file = await filledFile(t, 5);
    const { item: first } = await takeBackup(bench.copies, takeRequest(file));
    const { outcome, item: again } = await takeBackup(bench.copies, takeRequest(file));
    assert.equal(outcome, 'confirmed');
    assert.deepEqual(again, { ...first, confirmedAt: again.confirmedAt });
    assert.ok(again.confirmedAt > first.confirmedAt);
    const records = listRecords(file);
    await truncate(file, records.at(-1)?.offset ?? 0);
    assert.equal((await takeBackup(bench.copies, takeRequest(file))).outcome, 'stored');
    assert.deepEqual(await faultsOf(bench.copies), []);
  });

  it('is taken anew, and its object replaced, when the stored bytes have rotted', async (t) => {
    const bench = await openBench(t);
    const file = await filledFile(t, 5);
    const { item } = await takeBackup(bench.copies, takeRequest(file));
    flipByte(objectPath(bench.copies.layout, databaseSha256(item) ?? ''), 500);
    assert.equal((await faultsOf(bench.copies)).length > 0, true);
    const { outcome } = await takeBackup(bench.copies, takeRequest(file));
    assert.equal(outcome, 'confirmed');
    assert.deepEqual(await faultsOf(bench.copies), []);
  });

  it('ends at the last whole record when the last one is still being written', async (t) => {
    const bench = await openBench(t);
    const file = await filledFile(t);
    const whole = await readFile(file);
    await appendFile(file, whole.subarray(listRecords(file).at(-1)?.offset, whole.length - 7));
    const { item } = await takeBackup(bench.copies, takeRequest(file));
    assert.deepEqual(item.verdict, { state: 'verified' });
    assert.equal(item.trimmedBytes, (await stat(file)).size - whole.length);
    assert.ok((await stored(bench, databaseSha256(item) ?? '')).equals(whole));
  });

  it('reads again rather than cutting when the last record gets finished meanwhile', async (t) => {
    const bench = await openBench(t);
    const file = await filledFile(t);
    const whole = await readFile(file);
    await truncate(file, whole.length - 7);
    let reads = 0;
    const finishing: typeof verify = async (path, signal) => {
      reads += 1;
      const answer = await verify(path, signal);
      await writeFile(file, whole);
      return answer;
    };
    const { item } = await takeBackup(bench.copies, takeRequest(file, { verify: finishing }));
    assert.equal(reads, 2);
    assert.equal(item.trimmedBytes, 0);
    assert.equal(databaseSha256(item), (await digestFile(file)).sha256);
  });

  for (const [what, damage, kind] of [
    ['a flipped bit in the middle', (file: string) => void flipRecord(file), 'damaged-record'],
    ['a lost committed entry', (file: string) => void dropLastCommittedEntry(file), 'commit-ahead-of-log'],
    [
      'a damaged first record',
      (file: string) => {
        flipByte(file, 500);
      },
      'broken-first-record',
    ],
  ] as const) {
    it(`of a file with ${what} is suspect, and takes nothing from the good one before it`, async (t) => {
      const bench = await openBench(t);
      const file = await filledFile(t);
      const { item: good } = await takeBackup(bench.copies, takeRequest(file));
      damage(file);
      const { outcome, item } = await takeBackup(bench.copies, takeRequest(file));
      assert.equal(outcome, 'stored');
      assert.equal(item.verdict.state, 'suspect');
      assert.ok(
        item.verdict.problems.some((problem) => problem.kind === kind),
        JSON.stringify(item.verdict),
      );
      assert.deepEqual((await bench.copies.read()).items, [good, item]);
      const { outcome: second } = await takeBackup(bench.copies, takeRequest(file));
      assert.equal(second, 'confirmed', 'the same damage must not fill the store');
      assert.deepEqual(await faultsOf(bench.copies), []);
    });
  }

  it('of a file that is empty or text is suspect', async (t) => {
    const bench = await openBench(t);
    const directory = await temporaryDirectory(t);
    for (const content of ['', 'not a database\n']) {
      const file = join(directory, `file-${String(content.length)}`);
      await writeFile(file, content);
      assert.equal((await takeBackup(bench.copies, takeRequest(file))).item.verdict.state, 'suspect');
    }
  });

  it('of what cannot be read is one clear error, and no item', async (t) => {
    const bench = await openBench(t);
    const directory = await temporaryDirectory(t);
    for (const path of [join(directory, 'absent'), directory]) {
      await assert.rejects(
        takeBackup(bench.copies, takeRequest(path)),
        (error) =>
          error instanceof WardenError && error.code === 'file-unreadable' && error.message.includes(path),
      );
    }
    assert.deepEqual((await bench.copies.read()).items, []);
  });

  it('ends with one clear error at its deadline, or when it is stopped, and leaves nothing', async (t) => {
    const bench = await openBench(t);
    const file = await createDatabase(await temporaryDirectory(t));
    const stuck: typeof verify = async (_path, signal) => {
      const { promise, reject } = Promise.withResolvers<never>();
      signal?.addEventListener(
        'abort',
        () => {
          reject(new Error('stopped'));
        },
        { once: true },
      );
      return await promise;
    };
    const late = takeBackup(bench.copies, takeRequest(file, { verify: stuck, deadlineMs: 50 }));
    await assert.rejects(late, { code: 'aborted', message: /did not finish in 50 ms/ });
    const stopped = takeBackup(bench.copies, takeRequest(file, { signal: AbortSignal.abort() }));
    await assert.rejects(stopped, { code: 'aborted', message: /was stopped/ });
    assert.deepEqual((await bench.copies.read()).items, []);
    assert.deepEqual(await readdir(bench.copies.layout.staging), []);
  });

  it('verifies each time while a real server writes and compacts', async (t) => {
    const bench = await openBench(t);
    const cluster: Cluster = await startTestCluster(t, { database: 'nb', members: 1 });
    const { file } = cluster.member(0).paths;
    const writer = new LedgerWriter(cluster, { rowsPerSecond: 400, paddingBytes: 6_000 });
    await writer.write(50);
    writer.start();
    let compactions = 0;
    for (let round = 0; round < 20; round += 1) {
      const compacting = round % 2 === 0 ? cluster.member(0).compact() : Promise.resolve();
      const { outcome, item } = await takeBackup(bench.copies, takeRequest(file));
      await compacting;
      compactions += round % 2 === 0 ? 1 : 0;
      assert.equal(outcome, 'stored');
      assert.deepEqual(item.verdict, { state: 'verified' });
      const sha256 = databaseSha256(item) ?? '';
      assert.equal(await checkClusterOf(bench.copies, sha256, join(bench.stateDir, 'scratch')), 'ok');
    }
    await writer.stop();
    assert.equal(compactions, 10);
    assert.equal(writer.unsure.size, 0);
    assert.equal((await listObjects(bench.copies.layout)).length, 20);
    assert.deepEqual(await faultsOf(bench.copies), []);
  });
});
