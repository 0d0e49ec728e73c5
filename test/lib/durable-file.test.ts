import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  makeDirectoryDurably,
  publishDurably,
  readFileIfPresent,
  writeFileDurably,
} from '../../src/lib/durable-file.ts';
import { temporaryDirectory } from '../engine/support/index.ts';

test('a file is replaced whole, by a new inode with the wanted mode, and nothing else is left', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'state');
  writeFileSync(path, 'old');
  chmodSync(path, 0o644);
  const inode = statSync(path).ino;
  await writeFileDurably(path, 'new');
  assert.equal(readFileSync(path, 'utf8'), 'new');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.notEqual(statSync(path).ino, inode);
  assert.deepEqual(readdirSync(directory), ['state']);
});

test('when the content cannot be made the old file stays as it was and nothing is left behind', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'state');
  writeFileSync(path, 'old');
  const failing = publishDurably(path, async (handle) => {
    await handle.writeFile('half');
    throw new Error('no more');
  });
  await assert.rejects(failing, /no more/);
  assert.equal(readFileSync(path, 'utf8'), 'old');
  assert.deepEqual(readdirSync(directory), ['state']);
});

test('while the content is made, readers see the old file', async (t) => {
  const path = join(temporaryDirectory(t), 'state');
  writeFileSync(path, 'old');
  const seen = await publishDurably(path, async (handle) => {
    await handle.writeFile('new');
    return readFileSync(path, 'utf8');
  });
  assert.equal(seen, 'old');
  assert.equal(readFileSync(path, 'utf8'), 'new');
});

test('bytes are written as they are, with another mode when asked', async (t) => {
  const path = join(temporaryDirectory(t), 'bytes');
  await writeFileDurably(path, Uint8Array.of(0, 255, 10), 0o640);
  assert.deepEqual([...readFileSync(path)], [0, 255, 10]);
  assert.equal(statSync(path).mode & 0o777, 0o640);
});

test('a rename that cannot happen leaves no temporary file', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'taken'));
  await assert.rejects(writeFileDurably(join(directory, 'taken'), 'x'), { code: 'EISDIR' });
  assert.deepEqual(readdirSync(directory), ['taken']);
});

test('directories are made with their parents, private, and may be there already', async (t) => {
  const path = join(temporaryDirectory(t), 'a', 'b');
  await makeDirectoryDurably(path);
  await makeDirectoryDurably(path);
  assert.equal(statSync(path).mode & 0o777, 0o700);
});

test('an absent file reads as undefined, one that cannot be read is an error', async (t) => {
  const directory = temporaryDirectory(t);
  assert.equal(await readFileIfPresent(join(directory, 'absent')), undefined);
  await assert.rejects(readFileIfPresent(directory), { code: 'EISDIR' });
  writeFileSync(join(directory, 'here'), 'text');
  assert.equal(await readFileIfPresent(join(directory, 'here')), 'text');
});
