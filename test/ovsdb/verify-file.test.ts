import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type FileReport, MAX_PROBLEMS } from '../../src/ovsdb/file-report.ts';
import { LogWindow } from '../../src/ovsdb/log-window.ts';
import { verifyFile } from '../../src/ovsdb/verify-file.ts';
import { VerifyPass } from '../../src/ovsdb/verify-pass.ts';
import { reportOf as makeReport, tailProblem } from '../../src/ovsdb/verify-report.ts';
import { LedgerWriter, listRecords, schemaFile, startCluster } from '../engine/support/index.ts';
import { endOf, flip, frame, insertAfter, readLogBytes, splice } from './corpus/log-bytes.ts';
import { entries, header, logOf } from './small-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ovn-warden-verify-'));
const real = join(directory, 'real.db');
before(async () => {
  const cluster = await startCluster({ database: 'nb', members: 1, dir: directory });
  try {
    await new LedgerWriter(cluster).write(20);
    await cluster.stopAll();
    copyFileSync(cluster.member(0).paths.file, real);
  } finally {
    await cluster.dispose();
  }
});
after(() => {
  rmSync(directory, { recursive: true });
});

async function report(path: string): Promise<FileReport> {
  return (await verifyFile(path)).report;
}

async function reportOf(bytes: Buffer): Promise<FileReport> {
  const path = join(directory, 'bytes.db');
  writeFileSync(path, bytes);
  return await report(path);
}

function kindsOf({ problems }: FileReport): string[] {
  return problems.map(({ kind }) => kind);
}

test('what is no regular file, or is not there, is unreadable, and nothing waits for it', async () => {
  const path = (name: string): string => join(directory, name);
  execFileSync('mkfifo', [path('fifo')]);
  mkdirSync(path('folder'));
  symlinkSync('loop', path('loop'));
  for (const name of ['fifo', 'folder', 'loop', 'absent']) {
    const found = await report(path(name));
    assert.deepEqual([found.ok, kindsOf(found)], [false, ['unreadable']]);
    assert.ok(found.problems[0]?.detail.includes(path(name)));
  }
  assert.deepEqual(kindsOf(await report('/dev/zero')), ['unreadable']);
});

test('a symbolic link to a database is followed, as the server does', async () => {
  symlinkSync(real, join(directory, 'link.db'));
  assert.equal((await report(join(directory, 'link.db'))).ok, true);
});

test('files that are no clustered database are told apart', async () => {
  const standalone = join(directory, 'standalone.db');
  execFileSync('/usr/bin/ovsdb-tool', ['create', standalone, schemaFile('nb')]);
  assert.deepEqual(kindsOf(await report(standalone)), ['standalone']);
  assert.deepEqual(kindsOf(await reportOf(Buffer.alloc(0))), ['empty']);
  assert.deepEqual(kindsOf(await reportOf(gzipSync(readFileSync(real)))), ['not-ovsdb']);
  assert.deepEqual(kindsOf(await reportOf(randomBytes(3_000_000))), ['not-ovsdb']);
  const sparse = join(directory, 'sparse.db');
  writeFileSync(sparse, '');
  truncateSync(sparse, 1024 ** 3);
  assert.deepEqual(kindsOf(await report(sparse)), ['not-ovsdb']);
});

test('the same bad bytes are a torn tail at the end, damage in the middle, and fatal at the start', async () => {
  const log = readLogBytes(real);
  const at = (number: number): Buffer => {
    const record = log.records.at(number);
    assert.ok(record !== undefined);
    return flip(log.bytes, record.bodyOffset + 5);
  };
  const middle = await reportOf(at(9));
  assert.deepEqual(kindsOf(middle), ['damaged-record']);
  assert.deepEqual([middle.problems[0]?.record, middle.problems[0]?.offset], [9, log.records[9]?.offset]);
  assert.equal(middle.records, log.records.length - 1);
  assert.deepEqual(kindsOf(await reportOf(at(-1))), ['torn-tail']);
  const first = await reportOf(at(0));
  assert.deepEqual(kindsOf(first), ['broken-first-record']);
  assert.ok((first.lastIndex ?? 0) > 10, 'later records give a lower bound');
});

test('a record in the data of another is not taken for one of the file', async () => {
  const inner = frame('{"term":7}').toString('latin1');
  const log = logOf(header(), ...entries(2, 4), { term: 1, comment: inner }, ...entries(5, 6));
  assert.deepEqual(kindsOf(await reportOf(log)), []);
});

test('a report names at most a hundred problems, and stays small', async () => {
  const bad = Buffer.concat(Array.from({ length: 500 }, () => frame('{"colour":"red"}')));
  const found = await reportOf(Buffer.concat([logOf(header()), bad]));
  assert.equal(found.problems.length, MAX_PROBLEMS);
  const long = await reportOf(Buffer.concat([logOf(header()), frame(`{"${'x'.repeat(1e6)}":1}`)]));
  assert.ok(JSON.stringify(long).length < 5000);
});

for (const [what, line] of [
  ['lines that announce more than there is', `OVSDB CLUSTER 99999999 ${'a'.repeat(40)}\n{`],
  ['lines that announce long bodies', `OVSDB CLUSTER 999999 ${'a'.repeat(40)}\n{}\n`],
  ['lines without a body', `OVSDB CLUSTER 999999 ${'a'.repeat(40)}\n`],
  ['magics', 'OVSDB CLUSTER '],
] as const) {
  test(`20 MB of ${what} cost no more than a bounded number of reads`, async () => {
    const hostile = Buffer.from(line.repeat(Math.ceil(20e6 / line.length)));
    for (const bytes of [hostile, Buffer.concat([logOf(header()), hostile, logOf(...entries(2, 3))])]) {
      let bytesRead = 0;
      const found = await countReads(bytes, (count) => {
        bytesRead += count;
      });
      assert.equal(found.ok, false);
      assert.ok(bytesRead < 512e6, `${String(bytesRead)} bytes were read`);
    }
  });
}

async function countReads(bytes: Buffer, count: (bytesRead: number) => void): Promise<FileReport> {
  const source = {
    read: async (target: Buffer, position: number) => {
      const copied = bytes.copy(target, 0, position);
      count(copied);
      return await Promise.resolve(copied);
    },
  };
  const window = new LogWindow(source, bytes.length);
  const pass = new VerifyPass();
  const tail = await pass.run(window);
  if (tail !== null) pass.noteTail(tailProblem(tail, pass.ordinal));
  return makeReport('hostile', bytes.length, pass, {});
}

test('no mutation of a real file makes the verifier fail, and none with a wrong checksum passes', async () => {
  const { bytes } = readLogBytes(real);
  const mutation = fc.record({
    at: fc.nat(bytes.length),
    count: fc.oneof(fc.constant(0), fc.nat(8), fc.nat(5000)),
    by: fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc.constant(Buffer.from('OVSDB CLUSTER 12 ')),
      fc.uint8Array({ maxLength: 200 }),
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
      const mutated = mutations.reduce(
        (before, { at, count, by }) => splice(before, at % (before.length + 1), count, Buffer.from(by)),
        bytes,
      );
      const found = await reportOf(mutated);
      assert.equal(found.ok, found.problems.length === 0);
      if (found.ok) assert.doesNotThrow(() => listRecords(join(directory, 'bytes.db')));
    }),
    { numRuns: 300 },
  );
});

test('a cut at a record boundary cannot be seen in one file, and a cut anywhere else is', async () => {
  const log = readLogBytes(real);
  const boundaries = new Set(log.records.map(endOf));
  const last = log.records.at(-12)?.offset ?? 0;
  for (let size = last; size < log.bytes.length; size += 1) {
    const found = await reportOf(log.bytes.subarray(0, size));
    assert.deepEqual(
      kindsOf(found),
      boundaries.has(size) || size === last ? [] : ['torn-tail'],
      String(size),
    );
  }
});

test('reading stops when its signal aborts', async () => {
  await assert.rejects(verifyFile(real, { signal: AbortSignal.abort() }), { code: 'aborted' });
});

test('a line put between two records is found, and both records still count', async () => {
  const log = readLogBytes(real);
  const fifth = log.records[5];
  assert.ok(fifth !== undefined);
  const found = await reportOf(insertAfter(log, fifth, 'hello\n'));
  assert.deepEqual(kindsOf(found), ['damaged-record']);
  assert.equal(found.records, log.records.length);
});
