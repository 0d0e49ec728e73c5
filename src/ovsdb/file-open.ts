import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { WardenError, messageOf } from '../lib/errors.ts';
import { type DirectFile, openDirect } from './direct-read.ts';
import type { ByteSource } from './log-window.ts';

/** A regular file that is open for reading. */
export interface OpenFile {
  readonly source: ByteSource;
  readonly sizeBytes: number;
  /** `device:inode`. */
  readonly inode: string;
  /** Do reads go to the device? `unavailable` when that was asked for and the filesystem cannot. */
  readonly pastPageCache: 'yes' | 'no' | 'unavailable';
  /** Its size now; it may have grown. */
  currentSizeBytes(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Opens a regular file for reading. A symbolic link is followed, as the server does. Nothing else is even opened: a
 * fifo would wait for ever, and opening a device can have effects.
 * @throws WardenError `file-unreadable`.
 */
export async function openFile(path: string, options: { readonly direct: boolean }): Promise<OpenFile> {
  try {
    await requireRegularFile(path);
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    return await withSource(path, handle, options.direct);
  } catch (error) {
    if (error instanceof WardenError) throw error;
    throw new WardenError('file-unreadable', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

async function requireRegularFile(path: string): Promise<void> {
  if ((await stat(path)).isFile()) return;
  throw new WardenError('file-unreadable', `${path} is not a regular file`);
}

async function withSource(path: string, handle: FileHandle, wantsDirect: boolean): Promise<OpenFile> {
  let direct: DirectFile | null = null;
  const close = async (): Promise<void> => {
    await handle.close();
    await direct?.close();
  };
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw new WardenError('file-unreadable', `${path} is not a regular file`);
    const inode = `${String(stats.dev)}:${String(stats.ino)}`;
    if (wantsDirect) direct = await openDirect(`/proc/self/fd/${String(handle.fd)}`);
    const pastPageCache = wantsDirect ? (direct === null ? 'unavailable' : 'yes') : 'no';
    const currentSizeBytes = async (): Promise<number> => (await handle.stat()).size;
    const source = direct ?? bufferedSource(handle);
    return { source, sizeBytes: Number(stats.size), inode, pastPageCache, currentSizeBytes, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function bufferedSource(handle: FileHandle): ByteSource {
  return {
    read: async (target, position) => (await handle.read(target, 0, target.length, position)).bytesRead,
  };
}
