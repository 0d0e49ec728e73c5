import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { type Copies, openCopies } from '../../src/backup/copies.ts';
import { listObjects } from '../../src/backup/object-store.ts';
import { preserve } from '../../src/backup/preserve.ts';
import { freeBytes, requireRoom } from '../../src/backup/room.ts';
import { type TakeResult, takeBackup } from '../../src/backup/take.ts';
import { WardenError } from '../../src/lib/errors.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { createDatabase, faultsOf, openBench, preserveRequest, takeRequest, verify } from './support.ts';

const DISK_BYTES = 4 * 1_048_576;

/** A disk of 4 MiB. Mounting one needs root; without it the test fails, for it could not show anything. */
async function smallDisk(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'warden-disk-'));
  execFileSync('/bin/mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=${String(DISK_BYTES)},mode=0700`,
    'tmpfs',
    directory,
  ]);
  t.after(async () => {
    execFileSync('/bin/umount', [directory]);
    await rmdir(directory);
  });
  return directory;
}

async function assertUntouched(copies: Copies): Promise<void> {
  assert.deepEqual((await copies.read()).items, []);
  assert.deepEqual(await listObjects(copies.layout), []);
  assert.deepEqual(await readdir(copies.layout.staging), []);
}

const isNoSpace = (error: unknown): boolean => error instanceof WardenError && error.code === 'no-space';

describe('room on the disk', () => {
  it('is refused with what was wanted and what there is', async (t) => {
    const directory = await temporaryDirectory(t);
    const free = await freeBytes(directory);
    await requireRoom(directory, 1, 0);
    await assert.rejects(requireRoom(directory, 7, free * 2), (error) => {
      assert.ok(error instanceof WardenError);
      assert.equal(error.code, 'no-space');
      assert.match(error.message, new RegExp(`${String(free * 2 + 7)} bytes \\(7 for the copy`));
      return true;
    });
  });

  it('must suffice for the copy and for what is to stay free, or nothing is begun', async (t) => {
    const { copies } = await openBench(t);
    const file = await createDatabase(await temporaryDirectory(t));
    const minFreeBytes = (await freeBytes(copies.layout.root)) * 2;
    await assert.rejects(takeBackup(copies, takeRequest(file, { minFreeBytes })), isNoSpace);
    await assert.rejects(preserve(copies, preserveRequest(file, { minFreeBytes })), isNoSpace);
    await assertUntouched(copies);
  });

  it('that ends during a backup gives one clear error, no item and no leftover; a later one works', async (t) => {
    const disk = await smallDisk(t);
    const copies = await openCopies(disk, () => undefined);
    const file = await createDatabase(await temporaryDirectory(t));
    const hog = join(disk, 'hog');
    // Somebody else fills the disk after the look at the free space: while the copy is verified.
    const filling: typeof verify = async (path, signal) => {
      const answer = await verify(path, signal);
      await writeFile(hog, Buffer.alloc(await freeBytes(disk)));
      return answer;
    };
    await assert.rejects(takeBackup(copies, takeRequest(file, { verify: filling })), isNoSpace);
    await assertUntouched(copies);
    await assert.rejects(takeBackup(copies, takeRequest(file)), isNoSpace);
    await rm(hog);
    await takeBackup(copies, takeRequest(file));
    assert.deepEqual(await faultsOf(copies), []);
  });

  it('that ends at any moment of storing leaves no item without its bytes', async (t) => {
    const disk = await smallDisk(t);
    const copies = await openCopies(disk, () => undefined);
    const file = await createDatabase(await temporaryDirectory(t));
    let refusals = 0;
    for (let leaveBytes = 0; (await copies.read()).items.length === 0; leaveBytes += 4096) {
      assert.ok(leaveBytes < DISK_BYTES / 2, 'with room enough it must work in the end');
      const hog = join(disk, 'hog');
      const filling: typeof verify = async (path, signal) => {
        const answer = await verify(path, signal);
        await writeFile(hog, Buffer.alloc((await freeBytes(disk)) - leaveBytes));
        return answer;
      };
      const outcome = await outcomeOf(takeBackup(copies, takeRequest(file, { verify: filling })));
      if (outcome === 'no-space') refusals += 1;
      else assert.equal(outcome, 'stored');
      assert.deepEqual(await faultsOf(copies), []);
      assert.deepEqual(await readdir(copies.layout.staging), []);
      await rm(hog);
    }
    assert.ok(refusals >= 2, 'at least once in the object, once in the manifest');
  });
});

async function outcomeOf(taking: Promise<TakeResult>): Promise<string> {
  try {
    return (await taking).outcome;
  } catch (error) {
    return error instanceof WardenError ? error.code : String(error);
  }
}
