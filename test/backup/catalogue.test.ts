import assert from 'node:assert/strict';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { addItem, confirmItem, readCatalogue, removeItem } from '../../src/backup/catalogue.ts';
import { openCopies } from '../../src/backup/copies.ts';
import type { CopyDraft, CopyItem } from '../../src/backup/copy-item.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { SUSPECT, exampleItem } from './example-item.ts';

function draft(changes: Partial<CopyItem> = {}): CopyDraft {
  const { version: _version, id: _id, sequence: _sequence, ...rest } = exampleItem(1, changes);
  return rest;
}

const pathOf = (directory: string, item: CopyItem): string => join(directory, `${item.id}.json`);

async function breakManifest(
  directory: string,
  item: CopyItem,
  change: (text: string) => string,
): Promise<void> {
  await writeFile(pathOf(directory, item), change(await readFile(pathOf(directory, item), 'utf8')));
}

async function openedCopies(t: TestContext) {
  const warnings: string[] = [];
  const stateDir = await temporaryDirectory(t);
  const copies = await openCopies(stateDir, (message) => warnings.push(message));
  return { copies, items: copies.layout.items, warnings, stateDir };
}

describe('the catalogue', () => {
  it('reads back exactly what was added, of each kind, oldest first', async (t) => {
    const directory = await temporaryDirectory(t);
    const added = [
      await addItem(directory, draft()),
      await addItem(
        directory,
        draft({ kind: 'preserved', verdict: SUSPECT, skipped: ['ovnnb_db.db.backup-1-a'] }),
      ),
      await addItem(directory, draft({ kind: 'quarantine', database: 'sb' })),
    ];
    const { items, corrupt, nextSequence } = await readCatalogue(directory);
    assert.deepEqual(items, added);
    assert.deepEqual(
      items.map(({ sequence }) => sequence),
      [1, 2, 3],
    );
    assert.deepEqual([corrupt, nextSequence], [[], 4]);
    assert.equal((await stat(join(directory, `${items[0]?.id ?? ''}.json`))).mode & 0o777, 0o600);
  });

  it('keeps counting up by sequence when the clock goes back', async (t) => {
    const directory = await temporaryDirectory(t);
    await addItem(directory, draft({ takenAt: '2030-01-01T00:00:00.000Z' }));
    const late = await addItem(directory, draft({ takenAt: '2020-01-01T00:00:00.000Z' }));
    assert.equal((await readCatalogue(directory)).items.at(-1)?.id, late.id);
  });

  it('changes the time of confirmation and nothing else', async (t) => {
    const directory = await temporaryDirectory(t);
    const item = await addItem(directory, draft());
    await confirmItem(directory, item, '2026-09-09T09:09:09.000Z');
    const { items } = await readCatalogue(directory);
    assert.deepEqual(items, [{ ...item, confirmedAt: '2026-09-09T09:09:09.000Z' }]);
  });

  for (const [what, change] of [
    ['cut in half', (text: string) => text.slice(0, text.length / 2)],
    ['empty', () => ''],
    ['binary noise', () => '\u0000\u0001\u0002'],
    ['without a field', (text: string) => text.replace('"commitIndex"', '"commitindex"')],
    ['with another id', (text: string) => text.replace(/"id": "0/, '"id": "9')],
    ['with a digest that is none', (text: string) => text.replace(/"sha256": "0/, '"sha256": "../')],
    [
      'with a file name that leads elsewhere',
      (text: string) => text.replace('"ovnnb_db.db"', '"../ovnnb_db.db"'),
    ],
    ['too big', () => ' '.repeat(2_000_000)],
  ] as const) {
    it(`names a manifest that is ${what}, and still reads the others`, async (t) => {
      const directory = await temporaryDirectory(t);
      const good = await addItem(directory, draft());
      const bad = await addItem(directory, draft());
      await breakManifest(directory, bad, change);
      const { items, corrupt, nextSequence } = await readCatalogue(directory);
      assert.deepEqual(
        items.map(({ id }) => id),
        [good.id],
      );
      assert.deepEqual(
        corrupt.map(({ path }) => path),
        [pathOf(directory, bad)],
      );
      assert.notEqual(corrupt[0]?.message, '');
      assert.equal(nextSequence, 3, 'the number of an unreadable manifest must not be used again');
    });
  }

  it('warns of a corrupt manifest once', async (t) => {
    const { copies, items, warnings } = await openedCopies(t);
    const item = await addItem(items, draft());
    await breakManifest(items, item, () => '{');
    await copies.read();
    await copies.read();
    assert.equal(warnings.length, 1);
    assert.ok(warnings[0]?.includes(pathOf(items, item)));
  });

  it('removes one item and leaves the others', async (t) => {
    const directory = await temporaryDirectory(t);
    const one = await addItem(directory, draft());
    const two = await addItem(directory, draft());
    await removeItem(directory, one.id);
    assert.deepEqual((await readCatalogue(directory)).items, [two]);
    await assert.rejects(removeItem(directory, '../../x'), { code: 'state-corrupt' });
  });

  it('leaves out names that are not its own, and clears only its own leftovers when it is opened', async (t) => {
    const { items, copies, stateDir } = await openedCopies(t);
    await writeFile(join(items, 'notes.json'), 'of an operator');
    await writeFile(join(items, '.tmp-0123456789ab'), '{"half');
    await writeFile(join(copies.layout.staging, '0123456789abcdef'), 'half');
    await writeFile(join(copies.layout.staging, 'of an operator'), 'x');
    assert.deepEqual((await copies.read()).items, []);
    await openCopies(stateDir, () => undefined);
    assert.deepEqual(await readdir(items), ['notes.json']);
    assert.deepEqual(await readdir(copies.layout.staging), ['of an operator']);
  });
});
