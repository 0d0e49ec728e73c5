import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyedMutex } from '../../src/lib/keyed-mutex.ts';

test('tasks of one key never overlap and keep their order, in any interleaving', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom('a', 'b'), { maxLength: 12 }),
      async (s, keys) => {
        const mutex = new KeyedMutex();
        const busy = new Set<string>();
        const order: Record<string, number[]> = { a: [], b: [] };
        const tasks = keys.map((key, number) =>
          mutex.run(key, async () => {
            assert.ok(!busy.has(key));
            busy.add(key);
            await s.schedule(Promise.resolve());
            order[key]?.push(number);
            busy.delete(key);
          }),
        );
        await s.waitFor(Promise.all(tasks));
        for (const numbers of Object.values(order)) {
          assert.deepEqual(
            numbers,
            numbers.toSorted((x, y) => x - y),
          );
        }
        assert.ok(!mutex.isHeld('a') && !mutex.isHeld('b'));
      },
    ),
  );
});

test('tasks of different keys run side by side', async () => {
  const mutex = new KeyedMutex();
  const { promise: met, resolve: meet } = Promise.withResolvers<undefined>();
  const first = mutex.run('a', () => met);
  await mutex.run('b', () => {
    meet(undefined);
    return met;
  });
  await first;
});

test('a task that fails frees its key and fails only its own caller', async () => {
  const mutex = new KeyedMutex();
  const failing = mutex.run('a', () => Promise.reject(new Error('no')));
  const next = mutex.run('a', () => Promise.resolve('yes'));
  await assert.rejects(failing, /no/);
  assert.equal(await next, 'yes');
  assert.equal(mutex.isHeld('a'), false);
});

test('a key is held while its task runs or waits', async () => {
  const mutex = new KeyedMutex();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const task = mutex.run('a', () => promise);
  assert.ok(mutex.isHeld('a'));
  assert.ok(!mutex.isHeld('b'));
  resolve(undefined);
  await task;
  assert.ok(!mutex.isHeld('a'));
});
