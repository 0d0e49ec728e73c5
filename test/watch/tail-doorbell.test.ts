import assert from 'node:assert/strict';
import { appendFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type FSWatcher, watch } from 'chokidar';
import { type Doorbell, hangDoorbell } from '../../src/watch/tail-doorbell.ts';
import { withFolder } from './log-disk.ts';

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let n = 0; n < 400 && !condition(); n += 1) await delay(25);
  assert.ok(condition(), what);
}

interface Bell {
  readonly doorbell: Doorbell;
  readonly watcher: FSWatcher;
  readonly failures: string[];
  rings: number;
}

async function hang(path: string): Promise<Bell> {
  const failures: string[] = [];
  const watchers: FSWatcher[] = [];
  const options = {
    paths: [path],
    log: { info: () => undefined, warn: (_: object, message: string) => void failures.push(message) },
    onRing: () => {
      bell.rings += 1;
    },
    onFailure: () => void failures.push('failed'),
  };
  const doorbell = hangDoorbell(options, (...args: Parameters<typeof watch>) => {
    const watcher = watch(...args);
    watchers.push(watcher);
    return watcher;
  });
  const [watcher] = watchers;
  assert.ok(watcher !== undefined);
  const bell: Bell = { doorbell, watcher, failures, rings: 0 };
  let ready = false;
  watcher.once('ready', () => {
    ready = true;
  });
  await until(() => ready, 'the watcher was never ready');
  return bell;
}

test('the bell rings for appends before and after a rotation, and for no other file', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'x.log');
    await writeFile(path, '');
    const bell = await hang(path);
    await appendFile(path, 'a\n');
    await until(() => bell.rings > 0, 'no ring for an append');
    await rename(path, `${path}.1`);
    await delay(300);
    await writeFile(path, 'b\n');
    await delay(300);
    bell.rings = 0;
    await appendFile(path, 'c\n');
    await until(() => bell.rings > 0, 'no ring after a rotation');
    await delay(300);
    bell.rings = 0;
    await writeFile(join(folder, 'other.log'), 'x\n');
    await delay(300);
    assert.equal(bell.rings, 0);
    await bell.doorbell.close();
  });
});

test('a watcher that fails is given up with one warning', async () => {
  await withFolder(async (folder) => {
    const bell = await hang(join(folder, 'x.log'));
    const error = Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), {
      code: 'ENOSPC',
    });
    bell.watcher.emit('error', error);
    bell.watcher.emit('error', error);
    assert.deepEqual(bell.failures, ['logs cannot be watched; they are polled instead', 'failed']);
    await until(() => bell.watcher.closed, 'the watcher was left open');
    await bell.doorbell.close();
  });
});
