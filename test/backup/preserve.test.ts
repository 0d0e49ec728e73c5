import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import {
  appendFile,
  chmod,
  chown,
  readFile,
  readdir,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import type { CopyItem } from '../../src/backup/copy-item.ts';
import { extractObject, listObjects } from '../../src/backup/object-store.ts';
import { preserve } from '../../src/backup/preserve.ts';
import { takeBackup } from '../../src/backup/take.ts';
import { LedgerWriter, flipByte, startTestCluster } from '../engine/support/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { type Bench, createDatabase, faultsOf, openBench, preserveRequest, takeRequest } from './support.ts';

/** A database file with its header file and two of the copies that start scripts leave. */
async function unit(t: TestContext): Promise<string> {
  const file = await createDatabase(await temporaryDirectory(t));
  await writeFile(join(dirname(file), 'ovnnb_db.hdr'), '{"server_id":"a"}');
  await writeFile(`${file}.backup-1700000000-0a1b2c`, 'an older copy');
  await writeFile(`${file}.backup7.0.0-123456`, 'of another script');
  await writeFile(join(dirname(file), 'ovnsb_db.db'), 'another database');
  await utimes(`${file}.backup7.0.0-123456`, new Date(0), new Date(0));
  return file;
}

const names = (item: CopyItem): string[] => item.files.map(({ name }) => name);

async function assertSameBytes(bench: Bench, item: CopyItem, directory: string): Promise<void> {
  for (const { name, sha256 } of item.files) {
    const out = join(bench.stateDir, `out-${name}`);
    await extractObject(bench.copies.layout, sha256, out);
    assert.ok((await readFile(out)).equals(await readFile(join(directory, name))), name);
    await rm(out);
  }
}

describe('a preserved copy', () => {
  it('holds the database, its header file and its older copies, byte for byte, as one item', async (t) => {
    const bench = await openBench(t);
    const file = await unit(t);
    const { item, dbSha256 } = await preserve(bench.copies, preserveRequest(file));
    assert.deepEqual(names(item), [
      'ovnnb_db.db',
      'ovnnb_db.hdr',
      'ovnnb_db.db.backup-1700000000-0a1b2c',
      'ovnnb_db.db.backup7.0.0-123456',
    ]);
    assert.deepEqual(
      item.files.map(({ role }) => role),
      ['db', 'hdr', 'sibling', 'sibling'],
    );
    assert.equal(dbSha256, item.files[0]?.sha256);
    assert.deepEqual([item.kind, item.verdict.state], ['preserved', 'verified']);
    await assertSameBytes(bench, item, dirname(file));
    assert.deepEqual(await faultsOf(bench.copies), []);
  });

  it('remembers owner and mode', async (t) => {
    const bench = await openBench(t);
    const file = await unit(t);
    await chmod(file, 0o640);
    await chown(file, 65534, 65534);
    const { item } = await preserve(bench.copies, preserveRequest(file));
    const db = item.files[0];
    assert.deepEqual([db?.mode, db?.uid, db?.gid], [0o640, 65534, 65534]);
  });

  it('keeps a damaged file as it is, and says what is wrong with it', async (t) => {
    const bench = await openBench(t);
    const file = await unit(t);
    flipByte(file, 500);
    await appendFile(file, 'OVSDB CLUSTER 99');
    const { item } = await preserve(bench.copies, preserveRequest(file));
    assert.equal(item.verdict.state, 'suspect');
    assert.equal(item.trimmedBytes, 0);
    await assertSameBytes(bench, item, dirname(file));
  });

  it('is made even when the verifier fails', async (t) => {
    const bench = await openBench(t);
    const file = await unit(t);
    const verify = () => Promise.reject(new Error('the verifier broke'));
    const { item } = await preserve(bench.copies, preserveRequest(file, { verify }));
    assert.equal(item.verdict.state, 'suspect');
    assert.match(JSON.stringify(item.verdict), /the verifier broke/);
    await assertSameBytes(bench, item, dirname(file));
  });

  it('keeps what lies beside a database that is gone', async (t) => {
    const bench = await openBench(t);
    const file = await unit(t);
    await rm(file);
    const { item, dbSha256 } = await preserve(bench.copies, preserveRequest(file));
    assert.equal(dbSha256, null);
    assert.equal(item.files.length, 3);
    assert.equal(item.verdict.state, 'suspect');
  });

  it('is an error when there is nothing at all', async (t) => {
    const bench = await openBench(t);
    const file = join(await temporaryDirectory(t), 'ovnnb_db.db');
    await assert.rejects(preserve(bench.copies, preserveRequest(file)), { code: 'file-unreadable' });
    await assert.rejects(preserve(bench.copies, preserveRequest(`${file}/sub/file`)), {
      code: 'file-unreadable',
    });
    assert.deepEqual((await bench.copies.read()).items, []);
  });

  it('is confirmed when nothing has changed, and a new item when any of its files has', async (t) => {
    const bench = await openBench(t);
    const file = await unit(t);
    const { item: first } = await preserve(bench.copies, preserveRequest(file));
    const { item: same } = await preserve(bench.copies, preserveRequest(file));
    assert.equal(same.id, first.id);
    assert.ok(same.confirmedAt > first.confirmedAt);
    await writeFile(join(dirname(file), 'ovnnb_db.hdr'), '{"server_id":"b"}');
    const { item: changed } = await preserve(bench.copies, preserveRequest(file));
    assert.notEqual(changed.id, first.id);
    assert.equal((await listObjects(bench.copies.layout)).length, 5, 'only the header file is stored anew');
  });

  it('shares its bytes with a backup of the same file', async (t) => {
    const bench = await openBench(t);
    const file = await createDatabase(await temporaryDirectory(t));
    await takeBackup(bench.copies, takeRequest(file));
    await preserve(bench.copies, preserveRequest(file));
    assert.equal((await bench.copies.read()).items.length, 2);
    assert.equal((await listObjects(bench.copies.layout)).length, 1);
  });

  it('takes the newest siblings within its limits, and names those that it leaves out', async (t) => {
    const bench = await openBench(t);
    const file = await unit(t);
    await symlink('/nowhere', `${file}.backup-dangling`);
    const byCount = preserveRequest(file, { limits: { maxSiblings: 1, maxSiblingBytes: 1e9 } });
    const { item } = await preserve(bench.copies, byCount);
    assert.deepEqual(names(item).slice(2), ['ovnnb_db.db.backup-1700000000-0a1b2c']);
    assert.deepEqual(item.skipped, ['ovnnb_db.db.backup7.0.0-123456']);
    const byBytes = preserveRequest(file, { limits: { maxSiblings: 9, maxSiblingBytes: 5 } });
    assert.equal((await preserve(bench.copies, byBytes)).item.skipped.length, 2);
  });

  it('is refused when the server is down and the file changes all the same', async (t) => {
    const bench = await openBench(t);
    const file = await createDatabase(await temporaryDirectory(t));
    await appendFile(file, Buffer.alloc(8_000_000));
    const writing = setInterval(() => {
      appendFileSync(file, 'x');
    }, 1);
    try {
      const resting = preserve(bench.copies, preserveRequest(file));
      await assert.rejects(resting, { code: 'file-unreadable', message: /to rest/ });
      assert.deepEqual((await bench.copies.read()).items, []);
      const { dbSha256 } = await preserve(bench.copies, preserveRequest(file, { serverRunning: true }));
      assert.notEqual(dbSha256, null);
    } finally {
      clearInterval(writing);
    }
  });

  it('is made of a running server too, while it writes', async (t) => {
    const bench = await openBench(t);
    const cluster = await startTestCluster(t, { database: 'nb', members: 1 });
    const writer = new LedgerWriter(cluster, { rowsPerSecond: 500, paddingBytes: 2_000 });
    await writer.write(20);
    writer.start();
    const { file } = cluster.member(0).paths;
    for (let round = 0; round < 10; round += 1) {
      const { dbSha256 } = await preserve(bench.copies, preserveRequest(file, { serverRunning: true }));
      assert.notEqual(dbSha256, null);
    }
    await writer.stop();
    assert.deepEqual(await faultsOf(bench.copies), []);
    assert.deepEqual(await readdir(bench.copies.layout.staging), []);
  });
});
