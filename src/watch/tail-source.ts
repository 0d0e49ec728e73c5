import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { systemCodeOf, WardenError } from '../lib/errors.ts';
import { MAX_HEAD_BYTES } from './tail-state.ts';

/** A regular file that is open for reading. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly inode: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Zero once the file was deleted. */
  readonly links: number;
}

const CHUNK_BYTES = 128 * 1024;

/**
 * Opens a file without ever blocking on a pipe or a device. Null when there is none.
 * @throws WardenError `file-unreadable` when it is no regular file or may not be read.
 */
export async function openRegularFile(path: string): Promise<OpenFile | null> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return null;
    throw new WardenError(
      'file-unreadable',
      `cannot read ${path}: ${systemCodeOf(error) ?? 'unknown error'}`,
      {
        cause: error,
      },
    );
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new WardenError('file-unreadable', `${path} is not a regular file`);
    return await lookAgain(handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Size and time of an open file as they are now. */
export async function lookAgain(handle: FileHandle): Promise<OpenFile> {
  const stat = await handle.stat({ bigint: true });
  return {
    handle,
    inode: String(stat.ino),
    sizeBytes: Number(stat.size),
    modifiedMs: Number(stat.mtimeMs),
    links: Number(stat.nlink),
  };
}

/** The first bytes of an open file, as many as a fingerprint can cover. */
export async function firstBytesOf(handle: FileHandle): Promise<Buffer> {
  return await readAt(handle, 0, MAX_HEAD_BYTES);
}

export async function readAt(handle: FileHandle, position: number, length = CHUNK_BYTES): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/**
 * The uncompressed content of a gzip file from `offset` on.
 * @throws the error of zlib, for example when the file is still being written.
 */
export async function* gunzipFrom(path: string, offset: number): AsyncGenerator<Buffer> {
  const input = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const output = createGunzip({ chunkSize: CHUNK_BYTES });
  input.once('error', (error) => output.destroy(error));
  input.pipe(output);
  let position = 0;
  try {
    for await (const chunk of output as AsyncIterable<Buffer>) {
      const skip = Math.max(0, Math.min(chunk.length, offset - position));
      position += chunk.length;
      if (skip < chunk.length) yield chunk.subarray(skip);
    }
  } finally {
    input.destroy();
    output.destroy();
  }
}

/** The first uncompressed bytes of a gzip file; empty when it is none, or has only begun to be written. */
export async function firstBytesOfGzip(path: string): Promise<Buffer> {
  let head = Buffer.alloc(0);
  try {
    for await (const chunk of gunzipFrom(path, 0)) {
      head = Buffer.concat([head, chunk]).subarray(0, MAX_HEAD_BYTES);
      if (head.length === MAX_HEAD_BYTES) break;
    }
  } catch {
    // What came before the damage is still a head; a file that cannot be read at all has an empty one.
  }
  return head;
}
