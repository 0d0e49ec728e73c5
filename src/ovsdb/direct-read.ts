import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { systemCodeOf } from '../lib/errors.ts';
import type { ByteSource } from './log-window.ts';

/** The little of WebAssembly that is needed here; the compiler's own types for it belong to browsers. */
interface WebAssemblyMemory {
  readonly buffer: ArrayBuffer;
}
declare const WebAssembly: {
  readonly Memory: new (descriptor: {
    readonly initial: number;
    readonly maximum: number;
  }) => WebAssemblyMemory;
};

/** Offsets, lengths and memory of a direct read are multiples of this: no device in use has larger sectors. */
const ALIGNMENT_BYTES = 4096;
const WASM_PAGE_BYTES = 64 * 1024;
const BUFFER_PAGES = 16;

/** A file whose bytes come from the device and not from the page cache. */
export interface DirectFile extends ByteSource {
  close(): Promise<void>;
}

/**
 * Opens a file for reads past the page cache (`O_DIRECT`): damage on the device stays invisible as long as the cache
 * holds the page. The memory of a `WebAssembly.Memory` is used because it starts on a page boundary, which the
 * kernel asks for and a `Buffer` does not promise.
 * @returns null where the filesystem cannot (tmpfs, some network filesystems).
 * @throws the system error when the file itself cannot be opened.
 */
export async function openDirect(path: string): Promise<DirectFile | null> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_DIRECT | constants.O_NONBLOCK);
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
  const memory = new WebAssembly.Memory({ initial: BUFFER_PAGES, maximum: BUFFER_PAGES });
  const aligned = Buffer.from(memory.buffer);
  try {
    // Some filesystems accept the flag and refuse the first read.
    await handle.read(aligned, 0, ALIGNMENT_BYTES, 0);
  } catch (error) {
    await handle.close();
    if (isRefusal(error)) return null;
    throw error;
  }
  return {
    read: async (target, position) => await readAligned(handle, aligned, target, position),
    close: async () => {
      await handle.close();
    },
  };
}

async function readAligned(
  handle: FileHandle,
  aligned: Buffer,
  target: Buffer,
  position: number,
): Promise<number> {
  const start = position - (position % ALIGNMENT_BYTES);
  const skip = position - start;
  const wanted = Math.min(roundUp(skip + target.length), BUFFER_PAGES * WASM_PAGE_BYTES);
  const { bytesRead } = await handle.read(aligned, 0, wanted, start);
  if (bytesRead <= skip) return 0;
  return aligned.copy(target, 0, skip, Math.min(bytesRead, skip + target.length));
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

function isRefusal(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === 'EINVAL' || code === 'EOPNOTSUPP' || code === 'ENOTSUP';
}
