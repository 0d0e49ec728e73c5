import { createHash } from 'node:crypto';
import type { OpenLines } from './log-joiner.ts';

/** A fingerprint of the first bytes of a file: what a log began with it keeps until it is truncated. */
export interface HeadPrint {
  /** How many bytes it covers; at most {@link MAX_HEAD_BYTES}. */
  readonly lengthBytes: number;
  readonly sha256: string;
}

/** A file that was read to its end, or was there before the log was first looked at. It is not read again. */
export interface SeenFile {
  readonly inode: string;
  readonly head: HeadPrint;
}

/** One life of a log: from its creation or truncation to its rotation. Plain data, stored in the checkpoint. */
export interface Generation extends SeenFile {
  /** Chosen at first sight and stored before the first line is handed over, so that line ids never change. */
  readonly id: string;
  /** Start of the first byte that was not handed over. */
  readonly offset: number;
  readonly skipping: boolean;
  readonly open: OpenLines;
  /** Lines that start before this offset were there before the log was first looked at. */
  readonly historicBytes: number;
  /** Last change of the file that was seen, in milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** All that must survive a restart for one followed path. Generations are oldest first; the last one is at the path. */
export interface FileState {
  readonly generations: readonly Generation[];
  readonly seen: readonly SeenFile[];
}

export const MAX_HEAD_BYTES = 1024;
export const MAX_SEEN_FILES = 32;

/** Heads shorter than this are too common to tell two files apart without their inode. */
const MIN_TELLING_BYTES = 16;

export function headPrint(firstBytes: Buffer): HeadPrint {
  const head = firstBytes.subarray(0, MAX_HEAD_BYTES);
  return { lengthBytes: head.length, sha256: createHash('sha256').update(head).digest('hex') };
}

/** Does a file that starts with `firstBytes` still start with what the fingerprint covers? */
export function startsWith(firstBytes: Buffer, head: HeadPrint): boolean {
  if (firstBytes.length < head.lengthBytes) return false;
  return headPrint(firstBytes.subarray(0, head.lengthBytes)).sha256 === head.sha256;
}

/** What can be known of a file without reading it whole. */
export interface FileFace {
  readonly inode: string;
  readonly firstBytes: Buffer;
}

/** Does the file still hold the generation that was read at this place? Only for a place: inode numbers are used again. */
export function isStillIn(face: FileFace, known: SeenFile): boolean {
  return face.inode === known.inode && startsWith(face.firstBytes, known.head);
}

/** Is the fingerprint long enough to know a file again somewhere else? */
export function isTelling({ lengthBytes }: HeadPrint): boolean {
  return lengthBytes >= MIN_TELLING_BYTES;
}

/** Is this the same file under another name? */
export function isSameFile(face: FileFace, known: SeenFile): boolean {
  return (
    isStillIn(face, known) && (isTelling(known.head) || face.firstBytes.length === known.head.lengthBytes)
  );
}

/** Is this the same file or a copy of it (`copytruncate`, `gzip`)? */
export function isCopyOf(face: FileFace, known: SeenFile): boolean {
  return isTelling(known.head) && startsWith(face.firstBytes, known.head);
}
