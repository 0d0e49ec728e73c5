import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { type CopySourceOptions, copySource, copyStableSource } from '../../src/backup/copy-source.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { waitFor } from '../engine/support/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const SIZE_BYTES = 60_000_000;

async function options(
  t: TestContext,
  sizeBytes = 1_000,
): Promise<CopySourceOptions & { readonly bytes: Buffer }> {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'ovnnb_db.db');
  const bytes = randomBytes(sizeBytes);
  await writeFile(path, bytes);
  const { signal } = new AbortController();
  return { path, role: 'db', toPath: join(directory, 'copy'), minFreeBytes: 0, signal, bytes };
}

/** Starts a copy of a big file and changes the source when some of it is through. */
async function copyWhile(opts: CopySourceOptions, change: () => Promise<void>) {
  const copying = copySource(opts);
  await waitFor('the copy to begin', async () => ((await stat(opts.toPath)).size > 0 ? true : undefined));
  assert.ok((await stat(opts.toPath)).size < SIZE_BYTES, 'the copy was done before the change');
  await change();
  return await copying;
}

describe('the copy of a source file', () => {
  it('leaves out what is appended after it was opened', async (t) => {
    const opts = await options(t, SIZE_BYTES);
    const { file } = await copyWhile(opts, () => appendFile(opts.path, 'more'));
    assert.equal(file.sizeBytes, SIZE_BYTES);
    assert.ok((await readFile(opts.toPath)).equals(opts.bytes));
  });

  it('goes on in the old file when a compaction renames a new one over the path', async (t) => {
    const opts = await options(t, SIZE_BYTES);
    await writeFile(`${opts.path}.tmp`, 'compacted');
    await copyWhile(opts, () => rename(`${opts.path}.tmp`, opts.path));
    assert.ok((await readFile(opts.toPath)).equals(opts.bytes));
    assert.equal(await readFile(opts.path, 'utf8'), 'compacted');
  });

  it('ends early and tells its true size when the file shrinks', async (t) => {
    const opts = await options(t, SIZE_BYTES);
    const { file } = await copyWhile(opts, () => truncate(opts.path, SIZE_BYTES - 1_000_000));
    assert.equal(file.sizeBytes, SIZE_BYTES - 1_000_000);
    assert.equal((await stat(opts.toPath)).size, SIZE_BYTES - 1_000_000);
  });

  it('does not wait for ever at a pipe', async (t) => {
    const opts = await options(t);
    execFileSync('/usr/bin/mkfifo', [`${opts.path}.pipe`]);
    await assert.rejects(copySource({ ...opts, path: `${opts.path}.pipe` }), { code: 'file-unreadable' });
  });
});

describe('the copy of a file that should rest', () => {
  /** Changes the file before each of the first `times` looks at it after a copy. */
  function changing(path: string, times: number): { clock: Clock; signal: AbortSignal } {
    let left = times;
    const { signal } = new AbortController();
    // The signal is asked before each chunk: the one place of a copy where a test can step in.
    const throwIfAborted = (): void => {
      if (left === 0) return;
      left -= 1;
      execFileSync('/bin/sh', ['-c', 'echo change >> "$0"', path]);
    };
    return {
      clock: { ...systemClock, sleep: () => Promise.resolve() },
      signal: Object.assign(Object.create(signal) as AbortSignal, { throwIfAborted }),
    };
  }

  it('is made again until the file has not changed meanwhile', async (t) => {
    const opts = await options(t);
    // Two questions a round: at its start, and before the only chunk.
    const { clock, signal } = changing(opts.path, 4);
    const { file } = await copyStableSource({ ...opts, signal }, clock);
    assert.equal(file.sizeBytes, (await stat(opts.path)).size);
    assert.ok((await readFile(opts.toPath)).equals(await readFile(opts.path)));
  });

  it('is given up when the file never rests', async (t) => {
    const opts = await options(t);
    const { clock, signal } = changing(opts.path, 1_000);
    await assert.rejects(copyStableSource({ ...opts, signal }, clock), {
      code: 'file-unreadable',
      message: /changed 4 times/,
    });
  });
});
