import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type FileRecord, listRecords } from '../../engine/support/index.ts';

/** A sound real file in memory, ready to be damaged. */
export interface LogBytes {
  readonly bytes: Buffer;
  readonly records: readonly FileRecord[];
}

export function readLogBytes(file: string): LogBytes {
  return { bytes: readFileSync(file), records: listRecords(file) };
}

/** A record with a right checksum around any text, JSON or not. */
export function frame(text: string | Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(text), Buffer.from('\n')]);
  const sha1 = createHash('sha1').update(body).digest('hex');
  return Buffer.concat([Buffer.from(`OVSDB CLUSTER ${String(body.length)} ${sha1}\n`), body]);
}

/** Puts `inserted` in the place of `count` bytes at `offset`. */
export function splice(bytes: Buffer, offset: number, count: number, inserted: Buffer | string = ''): Buffer {
  return Buffer.concat([bytes.subarray(0, offset), Buffer.from(inserted), bytes.subarray(offset + count)]);
}

export function flip(bytes: Buffer, offset: number): Buffer {
  return splice(bytes, offset, 1, Buffer.of((bytes[offset] ?? 0) ^ 0x01));
}

export function recordBytes({ bytes }: LogBytes, record: FileRecord): Buffer {
  return bytes.subarray(record.offset, endOf(record));
}

export function endOf(record: FileRecord): number {
  return record.bodyOffset + record.bodyBytes;
}

export function lengthOf(record: FileRecord): number {
  return endOf(record) - record.offset;
}

/** Replaces a whole record. */
export function replace({ bytes }: LogBytes, record: FileRecord, by: Buffer): Buffer {
  return splice(bytes, record.offset, lengthOf(record), by);
}

/** Puts bytes behind a record. */
export function insertAfter({ bytes }: LogBytes, record: FileRecord, inserted: Buffer | string): Buffer {
  return splice(bytes, endOf(record), 0, inserted);
}

/** The header line of a record, without its newline. */
export function headerLine({ bytes }: LogBytes, record: FileRecord): string {
  return bytes.toString('latin1', record.offset, record.bodyOffset - 1);
}

export function replaceHeaderLine(log: LogBytes, record: FileRecord, line: string): Buffer {
  return splice(log.bytes, record.offset, record.bodyOffset - record.offset, line);
}
