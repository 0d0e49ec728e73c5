import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** One record of a database file, found by a reader that shares nothing with the product's. */
export interface FileRecord {
  /** Zero-based, as in the server's messages. */
  readonly number: number;
  /** Of the header line. */
  readonly offset: number;
  readonly bodyOffset: number;
  readonly bodyBytes: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** All records of a sound file. @throws Error at the first byte that is not as it should be. */
export function listRecords(file: string): FileRecord[] {
  const bytes = readFileSync(file);
  const records: FileRecord[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const record = readRecord(bytes, offset, records.length);
    records.push(record);
    offset = record.bodyOffset + record.bodyBytes;
  }
  return records;
}

/** The bytes of a record with a right checksum: `OVSDB CLUSTER <length> <sha1>`, newline, JSON, newline. */
export function encodeRecord(body: unknown): Buffer {
  const json = Buffer.from(`${JSON.stringify(body)}\n`);
  const sha1 = createHash('sha1').update(json).digest('hex');
  return Buffer.concat([Buffer.from(`OVSDB CLUSTER ${String(json.length)} ${sha1}\n`), json]);
}

function readRecord(bytes: Buffer, offset: number, number: number): FileRecord {
  const lineEnd = bytes.indexOf(0x0a, offset);
  const header = /^OVSDB CLUSTER (\d+) ([0-9a-f]{40})$/.exec(bytes.toString('latin1', offset, lineEnd));
  if (header === null) throw new Error(`no record header at offset ${String(offset)}`);
  const bodyOffset = lineEnd + 1;
  const bodyBytes = Number(header[1]);
  const body = bytes.subarray(bodyOffset, bodyOffset + bodyBytes);
  const sha1 = createHash('sha1').update(body).digest('hex');
  if (sha1 !== header[2]) throw new Error(`record ${String(number)} has a wrong checksum`);
  const parsed = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  return { number, offset, bodyOffset, bodyBytes, body: parsed };
}
