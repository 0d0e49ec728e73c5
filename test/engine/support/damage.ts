import { closeSync, fstatSync, openSync, readSync, truncateSync, writeSync } from 'node:fs';
import { type FileRecord, encodeRecord, listRecords } from './records.ts';

/**
 * Damage to real files. All of it is written in place: the inode stays, so a server that has the file open shares the
 * damage, as with a rotten disk.
 */

const PAGE_BYTES = 4096;

/** Inverts one bit of the byte at `offset`. */
export function flipByte(file: string, offset: number): void {
  const [byte = 0] = readAt(file, offset, 1);
  writeAt(file, offset, Buffer.of(byte ^ 0x01));
}

/**
 * Flips a bit inside the record at `fraction` of the log: 0 is the first record after the snapshot, 1 the last.
 * The server takes what follows for a torn tail and drops it at its next start.
 */
export function flipRecord(file: string, fraction = 0.5): FileRecord {
  const record = recordAt(file, fraction);
  flipByte(file, record.bodyOffset + Math.floor(record.bodyBytes / 2));
  return record;
}

/** Overwrites one page with zeros. `offset` is rounded down to a page. */
export function zeroPage(file: string, offset: number): void {
  writeAt(file, pageStart(offset), Buffer.alloc(PAGE_BYTES));
}

/** Takes `sizeBytes` out of the file; what follows moves up. */
export function cutBytes(file: string, offset: number, sizeBytes: number): void {
  const end = sizeOf(file);
  const rest = readAt(file, offset + sizeBytes, end - offset - sizeBytes);
  writeAt(file, offset, rest);
  truncateSync(file, end - sizeBytes);
}

/** Takes one page out of the file. `offset` is rounded down to a page. */
export function cutPage(file: string, offset: number): void {
  cutBytes(file, pageStart(offset), PAGE_BYTES);
}

export function truncateTo(file: string, sizeBytes: number): void {
  truncateSync(file, sizeBytes);
}

/** Takes record `number` out, whole. */
export function dropRecord(file: string, number: number): void {
  const { offset, bodyOffset, bodyBytes } = nth(file, number);
  cutBytes(file, offset, bodyOffset + bodyBytes - offset);
}

/**
 * Takes out the last entry and keeps the record that commits it: what a full disk leaves on a follower. The server
 * refuses to start: "advances commit index to N but last log index is N-1".
 */
export function dropLastCommittedEntry(file: string): FileRecord {
  const entry = listRecords(file).findLast((record) => record.number > 0 && 'index' in record.body);
  if (entry === undefined) throw new Error(`${file} has no entry to drop`);
  dropRecord(file, entry.number);
  return entry;
}

/** Changes the content of record `number` and gives it a right checksum again: damage that no checksum shows. */
export function rewriteRecord(
  file: string,
  number: number,
  change: (body: FileRecord['body']) => unknown,
): void {
  const { offset, bodyOffset, bodyBytes, body } = nth(file, number);
  const rest = readAt(file, bodyOffset + bodyBytes, sizeOf(file) - bodyOffset - bodyBytes);
  const changed = Buffer.concat([encodeRecord(change(body)), rest]);
  writeAt(file, offset, changed);
  truncateSync(file, offset + changed.length);
}

/** Appends a record with a right checksum. */
export function appendRecord(file: string, body: unknown): void {
  writeAt(file, sizeOf(file), encodeRecord(body));
}

function recordAt(file: string, fraction: number): FileRecord {
  const last = listRecords(file).length - 1;
  if (last < 1) throw new Error(`${file} has only its snapshot`);
  return nth(file, 1 + Math.round((last - 1) * fraction));
}

function nth(file: string, number: number): FileRecord {
  const record = listRecords(file)[number];
  if (record === undefined) throw new Error(`${file} has no record ${String(number)}`);
  return record;
}

function pageStart(offset: number): number {
  return offset - (offset % PAGE_BYTES);
}

function sizeOf(file: string): number {
  return withFile(file, 'r', (handle) => fstatSync(handle).size);
}

function readAt(file: string, offset: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  const read = withFile(file, 'r', (handle) => readSync(handle, bytes, 0, sizeBytes, offset));
  if (read !== sizeBytes) throw new Error(`${file} ends before offset ${String(offset + sizeBytes)}`);
  return bytes;
}

function writeAt(file: string, offset: number, bytes: Buffer): void {
  withFile(file, 'r+', (handle) => writeSync(handle, bytes, 0, bytes.length, offset));
}

function withFile<T>(file: string, flags: 'r' | 'r+', use: (handle: number) => T): T {
  const handle = openSync(file, flags);
  try {
    return use(handle);
  } finally {
    closeSync(handle);
  }
}
