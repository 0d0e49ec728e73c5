import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../lib/errors.ts';
import type { TailLog } from './tail-options.ts';
import { firstBytesOf, firstBytesOfGzip, openRegularFile } from './tail-source.ts';
import { type FileFace, isCopyOf, isSameFile, type SeenFile } from './tail-state.ts';

/** A file that a rotation may have made out of a log: `x.log.1`, `x.log.2.gz`, `x.log-20261123`. */
export interface Sibling extends FileFace {
  readonly path: string;
  readonly gzip: boolean;
  /** Null for a compressed file, whose uncompressed size is not known. */
  readonly sizeBytes: number | null;
  readonly modifiedMs: number;
}

/** More rotated files than any rotation keeps; only the newest are looked at. */
const MAX_SIBLINGS = 64;

/** Compressed in ways that are not read here, or not finished. */
const UNREADABLE = /\.(?:xz|bz2|zst|lz4|tmp)$/;

const ROTATION_NUMBER = /\.(\d{1,4})(?:\.gz)?$/;

/** All rotated files beside a log, oldest first. A file that is there plain and compressed counts once, plain. */
export async function listSiblings(path: string, log: TailLog): Promise<Sibling[]> {
  const base = basename(path);
  const names = await readdir(dirname(path)).catch((error: unknown) => {
    log.warn({ path, error: messageOf(error) }, 'cannot list the directory of a log');
    return [];
  });
  const rotated = names.filter(
    (name) => /^[-.]/.test(name.slice(base.length)) && name.startsWith(base) && !UNREADABLE.test(name),
  );
  const known = new Set(rotated);
  const siblings: Sibling[] = [];
  for (const name of rotated) {
    if (name.endsWith('.gz') && known.has(name.slice(0, -3))) continue;
    const sibling = await lookAt(join(dirname(path), name), log);
    if (sibling !== null) siblings.push(sibling);
  }
  return siblings.sort(byAge).slice(-MAX_SIBLINGS);
}

/** Oldest first. Within one millisecond the names tell: `.2` is older than `.1`, an earlier date sorts first. */
function byAge(a: Sibling, b: Sibling): number {
  const [, numberA] = ROTATION_NUMBER.exec(a.path) ?? [];
  const [, numberB] = ROTATION_NUMBER.exec(b.path) ?? [];
  const byName =
    numberA !== undefined && numberB !== undefined
      ? Number(numberB) - Number(numberA)
      : a.path.localeCompare(b.path);
  return a.modifiedMs - b.modifiedMs || byName;
}

async function lookAt(path: string, log: TailLog): Promise<Sibling | null> {
  try {
    const file = await openRegularFile(path);
    if (file === null) return null;
    const { handle, inode, modifiedMs, sizeBytes } = file;
    const gzip = path.endsWith('.gz');
    const plainBytes = await firstBytesOf(handle).finally(() => handle.close());
    const firstBytes = gzip ? await firstBytesOfGzip(path) : plainBytes;
    return { path, gzip, inode, modifiedMs, sizeBytes: gzip ? null : sizeBytes, firstBytes };
  } catch (error) {
    log.warn({ path, error: messageOf(error) }, 'cannot read a rotated log');
    return null;
  }
}

/** The file that now holds a generation whose path was taken: the renamed file itself, else a copy, plain before compressed. */
export function findGeneration(
  siblings: readonly Sibling[],
  generation: SeenFile & { readonly offset: number },
): Sibling | undefined {
  const longEnough = siblings.filter(({ sizeBytes }) => sizeBytes === null || sizeBytes >= generation.offset);
  const copies = longEnough.filter((sibling) => isCopyOf(sibling, generation));
  return (
    longEnough.find((sibling) => !sibling.gzip && isSameFile(sibling, generation)) ??
    copies.find(({ gzip }) => !gzip) ??
    copies[0]
  );
}

/** Rotated files that came into being after `sinceMs` and that nobody has read. */
export function findUnseen(
  siblings: readonly Sibling[],
  known: readonly SeenFile[],
  sinceMs: number,
): Sibling[] {
  return siblings.filter(
    (sibling) =>
      sibling.modifiedMs >= sinceMs &&
      sibling.firstBytes.length > 0 &&
      !known.some((file) => isSameFile(sibling, file) || isCopyOf(sibling, file)),
  );
}
