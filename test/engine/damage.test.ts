import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createOvsdbTool } from '../../src/ovsdb/ovsdb-tool.ts';
import {
  LedgerWriter,
  appendRecord,
  cutPage,
  dropLastCommittedEntry,
  dropRecord,
  flipByte,
  flipRecord,
  listRecords,
  rewriteRecord,
  startTestCluster,
  temporaryDirectory,
  truncateTo,
  zeroPage,
} from './support/index.ts';

const tool = createOvsdbTool({ path: '/usr/bin/ovsdb-tool', timeoutMs: 20_000 });

/** The file of a real cluster of one: a snapshot, then 40 rows of half a page each and the records between them. */
async function makeSoundFile(t: TestContext): Promise<string> {
  const cluster = await startTestCluster(t, { database: 'nb', members: 1 });
  const ledger = new LedgerWriter(cluster, { paddingBytes: 2000 });
  await ledger.write(40);
  await ledger.stop();
  await cluster.stopAll();
  return cluster.member(0).paths.file;
}

const middleOf = (file: string): number => Math.floor(statSync(file).size / 2);
const middleRecord = (file: string): number => Math.floor(listRecords(file).length / 2);

/** What the engine's own checker says of each damage; null: it finds nothing wrong, as the damage intends. */
const damages: readonly [name: string, damage: (file: string) => unknown, complaint: RegExp | null][] = [
  ['a flipped bit in the middle record', (file) => flipRecord(file), /have SHA-1 hash/],
  [
    'a flipped bit in the first record',
    (file) => {
      flipByte(file, 200);
    },
    /have SHA-1 hash/,
  ],
  [
    'a page of zeros',
    (file) => {
      zeroPage(file, middleOf(file));
    },
    /have SHA-1 hash|parse error/,
  ],
  [
    'a missing page',
    (file) => {
      cutPage(file, middleOf(file));
    },
    /have SHA-1 hash|parse error/,
  ],
  [
    'a cut inside a record',
    (file) => {
      truncateTo(file, middleOf(file));
    },
    /End of file/,
  ],
  [
    'a cut between two records',
    (file) => {
      truncateTo(file, listRecords(file)[middleRecord(file)]?.offset ?? 0);
    },
    null,
  ],
  [
    'a lost entry before its commit',
    (file) => dropLastCommittedEntry(file),
    /advances commit index to \d+ but/,
  ],
  [
    'a note that the server has left',
    (file) => {
      appendRecord(file, { note: 'left' });
    },
    null,
  ],
  [
    'a value changed under a right checksum',
    (file) => {
      renameRow(file);
    },
    null,
  ],
];

test('each damage is what the engine itself says it is, on the same inode', async (t) => {
  const sound = await makeSoundFile(t);
  assert.deepEqual(await tool.checkCluster(sound), { ok: true, output: '' });
  const directory = temporaryDirectory(t);
  for (const [number, [name, damage, complaint]] of damages.entries()) {
    const file = join(directory, `${String(number)}.db`);
    copyFileSync(sound, file);
    const inode = statSync(file).ino;
    damage(file);
    assert.equal(statSync(file).ino, inode, name);
    assert.notDeepEqual(readFileSync(file), readFileSync(sound), name);
    const { ok, output } = await tool.checkCluster(file);
    assert.equal(ok, complaint === null, `${name}: ${output}`);
    if (complaint !== null) assert.match(output, complaint, name);
  }
});

test('a dropped record leaves every other record as it was', async (t) => {
  const file = await makeSoundFile(t);
  const before = listRecords(file).map(({ body }) => body);
  dropRecord(file, 5);
  assert.deepEqual(
    listRecords(file).map(({ body }) => body),
    before.toSpliced(5, 1),
  );
});

function renameRow(file: string): void {
  const entry = listRecords(file).findLast(({ body }) => 'data' in body);
  assert.ok(entry !== undefined);
  rewriteRecord(
    file,
    entry.number,
    (body) => JSON.parse(JSON.stringify(body).replace('row-', 'rot-')) as unknown,
  );
}
