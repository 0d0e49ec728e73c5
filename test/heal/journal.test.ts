import assert from 'node:assert/strict';
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HEAL_STEPS, Journal, newestByHeal, parseJournal } from '../../src/heal/journal.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { entryOf } from './journal-entries.ts';

const WRITER = fileURLToPath(new URL('journal-writer.ts', import.meta.url));

async function pathFor(t: TestContext): Promise<string> {
  return join(await temporaryDirectory(t), 'journal.jsonl');
}

async function openJournal(t: TestContext, path: string, badLines: number[] = []): Promise<Journal> {
  const journal = await Journal.open(path, (line) => badLines.push(line));
  t.after(() => journal.close());
  return journal;
}

test('what was appended is there in the next life, numbered without a gap', async (t) => {
  const path = await pathFor(t);
  const first = await Journal.open(path, () => assert.fail('no line is bad'));
  for (const step of HEAL_STEPS) await first.append(entryOf({ step }));
  await first.close();
  const second = await openJournal(t, path);
  await second.append(entryOf({ healId: 'heal-2' }));
  const third = await openJournal(t, path);
  assert.deepEqual(
    third.entries.map(({ sequence, step }) => [sequence, step]),
    [...HEAL_STEPS.entries(), [HEAL_STEPS.length, 'closed']],
  );
});

test('the file belongs to the agent alone', async (t) => {
  const path = await pathFor(t);
  await openJournal(t, path);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('a last line that a crash tore is reported and cut off from the next one', async (t) => {
  const path = await pathFor(t);
  const first = await Journal.open(path, () => undefined);
  for (const healId of ['one', 'two', 'three']) await first.append(entryOf({ healId }));
  await first.close();
  const { size } = await stat(path);
  const lineBytes = size / 3;
  for (let cut = 1; cut < lineBytes; cut += 97) {
    const torn = `${path}-${String(cut)}`;
    await writeFile(torn, (await readFile(path)).subarray(0, size - cut));
    const badLines: number[] = [];
    const journal = await openJournal(t, torn, badLines);
    const expected = cut === 1 ? ['one', 'two', 'three'] : ['one', 'two'];
    assert.deepEqual(
      journal.entries.map(({ healId }) => healId),
      expected,
    );
    assert.deepEqual(badLines, cut === 1 ? [] : [3]);
    await journal.append(entryOf({ healId: 'four' }));
    const after = parseJournal(await readFile(torn, 'utf8'));
    assert.deepEqual(
      after.entries.map(({ healId }) => healId),
      [...expected, 'four'],
    );
  }
});

test('noise between the lines is named by its number and kept in the file', async (t) => {
  const path = await pathFor(t);
  const first = await Journal.open(path, () => undefined);
  await first.append(entryOf({ healId: 'one' }));
  await first.close();
  await appendFile(path, '\n{"sequence":1}\nnot json\n[]\n\u0000\u0000\n{"a":\n');
  const badLines: number[] = [];
  const journal = await openJournal(t, path, badLines);
  await journal.append(entryOf({ healId: 'two' }));
  const again = await openJournal(t, path);
  assert.deepEqual(badLines, [3, 4, 5, 6, 7]);
  assert.deepEqual(
    again.entries.map(({ healId, sequence }) => [healId, sequence]),
    [
      ['one', 0],
      ['two', 1],
    ],
  );
});

test('a heal is open until its last word is that it was closed', async (t) => {
  const journal = await openJournal(t, await pathFor(t));
  await journal.append(entryOf({ healId: 'one', step: 'planned', outcome: 'running' }));
  await journal.append(entryOf({ healId: 'two', step: 'planned', outcome: 'running' }));
  await journal.append(entryOf({ healId: 'one', step: 'compacting', outcome: 'running' }));
  const open = () => journal.openHeals().map(({ healId, step }) => [healId, step]);
  assert.deepEqual(open(), [
    ['one', 'compacting'],
    ['two', 'planned'],
  ]);
  await journal.append(entryOf({ healId: 'one', step: 'closed' }));
  assert.deepEqual(open(), [['two', 'planned']]);
  assert.equal(newestByHeal(journal.entries).get('one')?.step, 'closed');
});

test('a journal that has grown large is set aside whole, never in the middle of a heal', async (t) => {
  const path = await pathFor(t);
  const journal = await openJournal(t, path);
  const big = { guards: 'x'.repeat(3 * 1024 * 1024) };
  await journal.append(entryOf({ healId: 'open', step: 'planned', outcome: 'running' }));
  for (let number = 0; number < 3; number += 1) await journal.append(entryOf({ facts: big }));
  assert.deepEqual(await readdir(join(path, '..')), ['journal.jsonl']);
  await journal.append(entryOf({ healId: 'open' }));
  await journal.append(entryOf({ healId: 'next' }));
  assert.deepEqual((await readdir(join(path, '..'))).toSorted(), ['journal-until-4.jsonl', 'journal.jsonl']);
  assert.deepEqual(
    parseJournal(await readFile(join(path, '..', 'journal-until-4.jsonl'), 'utf8')).entries.length,
    5,
  );
  assert.equal(journal.entries.length, 6, 'still known in memory, for budgets');
  const next = await openJournal(t, path);
  assert.deepEqual(
    next.entries.map(({ healId, sequence }) => [healId, sequence]),
    [['next', 5]],
  );
});

type Writer = ChildProcessByStdio<null, Readable, null>;

function startWriter(t: TestContext, command: readonly [string, ...string[]]): Writer {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** Collects what the writer acknowledges, line by line, until `enough` of it was seen, and goes on collecting. */
async function acknowledged(child: Writer, enough: (lines: readonly string[]) => boolean): Promise<string[]> {
  const lines: string[] = [];
  let begun = '';
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  child.once('exit', () => {
    reject(new Error(`the writer ended after ${String(lines.length)} lines`));
  });
  child.stdout.on('data', (chunk: Buffer) => {
    const [first = '', ...others] = chunk.toString().split('\n');
    const whole = [begun + first, ...others];
    begun = whole.pop() ?? '';
    lines.push(...whole);
    if (enough(lines)) resolve(undefined);
  });
  await promise;
  return lines;
}

test('every entry that was acknowledged before kill -9 is readable after it', async (t) => {
  for (const killAfter of [1, 37, 200]) {
    const path = await pathFor(t);
    const child = startWriter(t, [process.execPath, WRITER, path, '100000']);
    const lines = await acknowledged(child, (seen) => seen.length >= killAfter);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const journal = await openJournal(t, path);
    const known = new Set(journal.entries.map(({ sequence }) => String(sequence)));
    assert.ok(lines.length >= killAfter);
    assert.deepEqual(
      lines.filter((line) => !known.has(line)),
      [],
    );
    assert.equal((await journal.append(entryOf())).sequence, journal.entries.length - 1);
  }
});

test('a write that failed half-way does not swallow the entry after it', async (t) => {
  const path = await pathFor(t);
  // A limit on the size of files is a full disk that one process has to itself: 8 blocks of 512 bytes.
  const child = startWriter(t, [
    'sh',
    '-c',
    `ulimit -S -f 8; exec "$0" "$@"`,
    process.execPath,
    WRITER,
    path,
    '40',
  ]);
  await acknowledged(child, (seen) => seen.includes('failed'));
  const rest = once(child, 'exit');
  execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited']);
  await rest;
  const text = await readFile(path, 'utf8');
  const { entries, badLines } = parseJournal(text);
  assert.equal(badLines.length, 1, 'the half that was written');
  assert.equal(entries.length, 40);
  assert.deepEqual(
    entries.map(({ sequence }) => sequence),
    entries.map((_, position) => position),
    'every number that was acknowledged is there',
  );
});

test('a journal that was emptied by hand is begun anew', async (t) => {
  const path = await pathFor(t);
  const first = await Journal.open(path, () => undefined);
  await first.append(entryOf());
  await first.close();
  await truncate(path, 0);
  const journal = await openJournal(t, path);
  assert.deepEqual(journal.entries, []);
});
