import assert from 'node:assert/strict';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { addItem } from '../../src/backup/catalogue.ts';
import type { CopyDraft, CopyItem } from '../../src/backup/copy-item.ts';
import { listObjects, objectPath, putObject } from '../../src/backup/object-store.ts';
import { planPrune, prune } from '../../src/backup/prune.ts';
import type { RetentionPolicy } from '../../src/backup/retention.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { exampleFile, exampleItem } from './example-item.ts';
import { type Bench, faultsOf, openBench } from './support.ts';

const POLICY: RetentionPolicy = { keepLast: 2, maxBytes: 1e9, minFreeBytes: 0, preservedKeepDays: 30 };
const REQUEST = { policy: POLICY, frozen: false, clock: systemClock };

/** An item with one real object; equal texts share it. The object is made to look two hours old. */
async function add(bench: Bench, text: string, changes: Partial<CopyItem> = {}): Promise<CopyItem> {
  const source = join(bench.stateDir, 'source');
  await writeFile(source, text);
  const { sha256 } = await putObject(bench.copies.layout, source);
  await makeOld(bench, sha256);
  const { version: _version, id: _id, sequence: _sequence, ...rest } = exampleItem(1, changes);
  const draft: CopyDraft = { ...rest, files: [exampleFile(sha256)] };
  return await addItem(bench.copies.layout.items, draft);
}

async function makeOld(bench: Bench, sha256: string): Promise<void> {
  const past = new Date(Date.now() - 2 * 3_600_000);
  await utimes(objectPath(bench.copies.layout, sha256), past, past);
}

async function left(bench: Bench): Promise<{ items: number; objects: number }> {
  const { items } = await bench.copies.read();
  return { items: items.length, objects: (await listObjects(bench.copies.layout)).length };
}

async function benchWith(t: TestContext, texts: readonly string[]): Promise<Bench> {
  const bench = await openBench(t);
  for (const text of texts) await add(bench, text);
  return bench;
}

describe('prune', () => {
  it('removes surplus manifests and the objects that only they needed', async (t) => {
    const bench = await benchWith(t, ['one', 'two', 'three', 'one', 'five']);
    const { plan, removedObjects, removedBytes } = await prune(bench.copies, REQUEST);
    assert.deepEqual(
      plan.remove.map(({ id }) => Number(id.slice(0, 10))),
      [1, 2, 3],
    );
    assert.equal(removedObjects, 2, 'the bytes of 1 are those of 4');
    assert.ok(removedBytes > 0);
    assert.deepEqual(await left(bench), { items: 2, objects: 2 });
    assert.deepEqual(await faultsOf(bench.copies), []);
  });

  it('changes nothing when it only plans', async (t) => {
    const bench = await benchWith(t, ['one', 'two', 'three']);
    const plan = await planPrune(bench.copies, REQUEST);
    assert.equal(plan.remove.length, 1);
    assert.deepEqual(await left(bench), { items: 3, objects: 3 });
  });

  it('removes nothing at all while frozen, not even objects without a manifest', async (t) => {
    const bench = await benchWith(t, ['one', 'two', 'three']);
    const orphan = join(bench.stateDir, 'orphan');
    await writeFile(orphan, 'orphan');
    await makeOld(bench, (await putObject(bench.copies.layout, orphan)).sha256);
    await prune(bench.copies, { ...REQUEST, frozen: true });
    assert.deepEqual(await left(bench), { items: 3, objects: 4 });
    await prune(bench.copies, REQUEST);
    assert.deepEqual(await left(bench), { items: 2, objects: 2 });
  });

  it('removes nothing while one manifest cannot be read, and names it', async (t) => {
    const bench = await benchWith(t, ['one', 'two', 'three', 'four']);
    const { items } = await bench.copies.read();
    const path = join(bench.copies.layout.items, `${items[3]?.id ?? ''}.json`);
    await writeFile(path, '{"half');
    await assert.rejects(prune(bench.copies, REQUEST), (error: Error) => error.message.includes(path));
    assert.deepEqual(await left(bench), { items: 3, objects: 4 });
    assert.equal(bench.warnings.length, 1);
  });

  it('leaves a young object alone: its manifest may be on its way', async (t) => {
    const bench = await benchWith(t, ['one']);
    const young = join(bench.stateDir, 'young');
    await writeFile(young, 'young');
    await putObject(bench.copies.layout, young);
    await prune(bench.copies, REQUEST);
    assert.deepEqual(await left(bench), { items: 1, objects: 2 });
  });

  it('leaves names that are not its own', async (t) => {
    const bench = await benchWith(t, ['one', 'two', 'three']);
    const foreign = join(bench.copies.layout.objects, 'of-an-operator.db');
    await writeFile(foreign, 'x');
    await utimes(foreign, new Date(0), new Date(0));
    await prune(bench.copies, REQUEST);
    assert.ok((await readdir(bench.copies.layout.objects)).includes('of-an-operator.db'));
  });

  it('waits for a writer between its object and its manifest', async (t) => {
    const bench = await benchWith(t, ['one', 'two', 'three']);
    const { promise: held, resolve: release } = Promise.withResolvers<undefined>();
    const writing = bench.copies.exclusive(async () => {
      await held;
      return await add(bench, 'one');
    });
    const pruning = prune(bench.copies, REQUEST);
    release(undefined);
    await writing;
    await pruning;
    assert.deepEqual(await left(bench), { items: 2, objects: 2 });
    assert.deepEqual(await faultsOf(bench.copies), []);
  });
});
