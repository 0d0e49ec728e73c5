import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCodeOf } from './errors.ts';

/** Makes names in `directory` (a creation, a rename) survive a power cut. */
export async function fsyncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `mkdir -p`, durable, private to the owner. */
export async function makeDirectoryDurably(directory: string, mode = 0o700): Promise<void> {
  const created = await mkdir(directory, { recursive: true, mode });
  if (created !== undefined) await fsyncDirectory(dirname(created));
}

/**
 * Replaces `path` so that after a crash at any moment it holds either the old or the new content, whole:
 * temporary file in the same directory, fsync, rename, fsync of the directory.
 */
export async function writeFileDurably(
  path: string,
  content: string | Uint8Array,
  mode = 0o600,
): Promise<void> {
  await publishDurably(path, (handle) => handle.writeFile(content), mode);
}

/** As {@link writeFileDurably}, with the content produced by `fill`. When `fill` throws, `path` is untouched. */
export async function publishDurably<T>(
  path: string,
  fill: (handle: FileHandle) => Promise<T>,
  mode = 0o600,
): Promise<T> {
  const temporary = join(dirname(path), `.tmp-${randomBytes(6).toString('hex')}`);
  const handle = await open(temporary, 'wx', mode);
  try {
    let result: T;
    try {
      result = await fill(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await fsyncDirectory(dirname(path));
    return result;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The file's text, or undefined when it does not exist. */
export async function readFileIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
