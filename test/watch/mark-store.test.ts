import assert from 'node:assert/strict';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MarkBook } from '../../src/diagnose/mark-book.ts';
import type { WardenError } from '../../src/lib/errors.ts';
import { MarkStore } from '../../src/watch/mark-store.ts';
import { markOf, positionOf } from '../support/evidence.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const BOOK: MarkBook = [
  { mark: markOf(1, positionOf(40)), standing: 'contained' },
  { mark: markOf(2, positionOf(46)), standing: 'contradicted' },
];

function failOnCorrupt(error: WardenError): void {
  assert.fail(error.message);
}

test('marks are there again in the next life of the agent, each with its standing', async (t) => {
  const path = join(await temporaryDirectory(t), 'marks-nb.json');
  const store = new MarkStore(path);
  assert.deepEqual(await store.load(failOnCorrupt), []);
  await store.save(BOOK);
  assert.deepEqual(await new MarkStore(path).load(failOnCorrupt), BOOK);
});

test('nothing is written when nothing has changed', async (t) => {
  const path = join(await temporaryDirectory(t), 'marks-nb.json');
  const store = new MarkStore(path);
  await store.save(BOOK);
  const { ino } = await stat(path);
  await store.save(BOOK);
  assert.equal((await stat(path)).ino, ino, 'a durable write would have made a new file');
  await store.save(BOOK.slice(1));
  assert.notEqual((await stat(path)).ino, ino);
});

test('a file that is no list of marks is set aside whole and reported', async (t) => {
  const valid = JSON.stringify({ version: 1, marks: BOOK });
  for (const text of ['', '{', valid.slice(0, -9), '[]', valid.replace('"version":1', '"version":2')]) {
    const directory = await temporaryDirectory(t);
    await writeFile(join(directory, 'marks-nb.json'), text);
    const errors: WardenError[] = [];
    const store = new MarkStore(join(directory, 'marks-nb.json'));
    assert.deepEqual(await store.load((error) => errors.push(error)), [], text);
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['state-corrupt'],
    );
    await store.save(BOOK);
    const aside = (await readdir(directory)).find((name) => name.startsWith('marks-nb.json.corrupt-'));
    assert.ok(aside !== undefined);
    assert.equal(await readFile(join(directory, aside), 'utf8'), text);
  }
});
