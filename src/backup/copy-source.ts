import { createHash } from 'node:crypto';
import { type Stats, constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { isoTime } from '../lib/clock.ts';
import { WardenError, messageOf, systemCodeOf } from '../lib/errors.ts';
import type { CopiedFile } from './copy-item.ts';
import { requireRoom } from './room.ts';

export interface SourceCopy {
  /** What the manifest says of the file, by its state when it was opened. */
  readonly file: CopiedFile;
  /** Where its bytes are now. */
  readonly path: string;
}

export interface CopySourceOptions {
  readonly path: string;
  readonly role: CopiedFile['role'];
  readonly toPath: string;
  readonly minFreeBytes: number;
  readonly signal: AbortSignal;
}

const CHUNK_BYTES = 1024 * 1024;
const STABLE_ATTEMPTS = 4;
const STABLE_RETRY_MS = 100;

/**
 * Copies the bytes that a file holds when it is opened, in one pass and without a word to the server: what is
 * appended later is left out, and when a compaction renames a new file over the path, the open one stays whole
 * (`ovsdb_log_replace` in OVS `ovsdb/log.c` makes a new inode each time).
 * @throws WardenError `file-unreadable`, `no-space`.
 */
export async function copySource(options: CopySourceOptions): Promise<SourceCopy> {
  const source = await openSource(options.path);
  try {
    const opened = await requireRegularFile(source, options.path);
    // Twice: once raw for verification, once compressed, which may not shrink at all.
    await requireRoom(dirname(options.toPath), 2 * opened.size, options.minFreeBytes);
    const { sha256, sizeBytes } = await copyBytes(source, opened.size, options.toPath, options.signal);
    return { file: describe(options, opened, sha256, sizeBytes), path: options.toPath };
  } finally {
    await source.close();
  }
}

/**
 * As {@link copySource}, for a file that nobody should be writing: copied again when it changed meanwhile.
 * @throws WardenError `file-unreadable` when it keeps changing.
 */
export async function copyStableSource(options: CopySourceOptions, clock: Clock): Promise<SourceCopy> {
  for (let attempt = 1; attempt <= STABLE_ATTEMPTS; attempt += 1) {
    options.signal.throwIfAborted();
    const before = await fingerprint(options.path);
    const copy = await copySource(options);
    if ((await fingerprint(options.path)) === before) return copy;
    if (attempt < STABLE_ATTEMPTS) await clock.sleep(STABLE_RETRY_MS, options.signal);
  }
  const times = String(STABLE_ATTEMPTS);
  throw new WardenError(
    'file-unreadable',
    `wanted ${options.path} to rest while it was copied, it changed ${times} times`,
  );
}

async function openSource(path: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK a pipe in the place of a file would make us wait for ever.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function requireRegularFile(source: FileHandle, path: string): Promise<Stats> {
  const opened = await source.stat();
  if (!opened.isFile())
    throw new WardenError('file-unreadable', `wanted a regular file at ${path}, got something else`);
  return opened;
}

async function copyBytes(
  source: FileHandle,
  sizeBytes: number,
  toPath: string,
  signal: AbortSignal,
): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  const target = await open(toPath, 'w', 0o600);
  let position = 0;
  try {
    while (position < sizeBytes) {
      signal.throwIfAborted();
      const { bytesRead } = await source.read(
        buffer,
        0,
        Math.min(CHUNK_BYTES, sizeBytes - position),
        position,
      );
      // Shorter than it was: the server takes back a write that failed.
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      // writeFile on a handle goes on where the last one ended, and finishes short writes.
      await target.writeFile(chunk);
      position += bytesRead;
    }
  } finally {
    await target.close();
  }
  return { sha256: hash.digest('hex'), sizeBytes: position };
}

function describe(options: CopySourceOptions, opened: Stats, sha256: string, sizeBytes: number): CopiedFile {
  return {
    role: options.role,
    name: basename(options.path),
    sha256,
    sizeBytes,
    mode: opened.mode & 0o7777,
    uid: opened.uid,
    gid: opened.gid,
    modifiedAt: isoTime(opened.mtimeMs),
  };
}

async function fingerprint(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].map(String).join(' ');
  } catch (error) {
    throw unreadable(path, error);
  }
}

export function unreadable(path: string, error: unknown): WardenError {
  const code = systemCodeOf(error) ?? messageOf(error);
  return new WardenError('file-unreadable', `wanted to read ${path}, got ${code}`, {
    cause: error,
    details: { code },
  });
}
