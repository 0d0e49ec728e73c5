import { statfs } from 'node:fs/promises';
import { WardenError, systemCodeOf } from '../lib/errors.ts';

/** Bytes that an ordinary process may still write on the filesystem of `directory`. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** @throws WardenError `no-space` unless `neededBytes` can be written and `minFreeBytes` still stay free. */
export async function requireRoom(
  directory: string,
  neededBytes: number,
  minFreeBytes: number,
): Promise<void> {
  const gotBytes = await freeBytes(directory);
  const wantedBytes = neededBytes + minFreeBytes;
  if (gotBytes >= wantedBytes) return;
  const wanted = `${String(wantedBytes)} bytes (${String(neededBytes)} for the copy, ${String(minFreeBytes)} to stay free)`;
  throw new WardenError(
    'no-space',
    `wanted ${wanted} on the filesystem of ${directory}, got ${String(gotBytes)}`,
    {
      hint: 'free space there, or lower backup.minFreeBytes',
      details: { directory, neededBytes, minFreeBytes, freeBytes: gotBytes },
    },
  );
}

/** Names a full disk for what it is when it fills up during a copy; every other error stays as it is. */
export async function namingFullDisk<T>(directory: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    const code = systemCodeOf(error);
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw new WardenError('no-space', `the filesystem of ${directory} became full during a copy (${code})`, {
      hint: 'free space there; nothing of the unfinished copy is kept',
      cause: error,
      details: { directory },
    });
  }
}
