/** Longest header line, as the server's own buffer allows (`header[128]` of `ovsdb_log_read` in OVS `ovsdb/log.c`). */
export const MAX_HEADER_BYTES = 127;
/** What every record of a clustered database begins with. */
export const CLUSTER_MAGIC = Buffer.from('OVSDB CLUSTER ');
export const STANDALONE_MAGIC = Buffer.from('OVSDB JSON ');
const SHA1_HEX_BYTES = 40;
const MAX_LENGTH_DIGITS = 15;

/** One record's place in the file. */
export interface Frame {
  /** Of its header line. */
  readonly offset: number;
  readonly bodyOffset: number;
  readonly bodyBytes: number;
}

/** A header line `OVSDB CLUSTER <length> <sha1>\n`, taken apart. */
export interface FrameHeader {
  readonly headerBytes: number;
  readonly bodyBytes: number;
  /** In lower case. */
  readonly sha1: string;
}

/** Parses the header line at `at`; null when it is none (`parse_header` in OVS `ovsdb/log.c`). */
export function parseFrameHeader(bytes: Buffer, at: number, end: number): FrameHeader | null {
  if (!startsWith(bytes, at, end, CLUSTER_MAGIC)) return null;
  const digits = at + CLUSTER_MAGIC.length;
  let space = digits;
  let bodyBytes = 0;
  while (space < end && space - digits < MAX_LENGTH_DIGITS) {
    const digit = (bytes[space] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) break;
    bodyBytes = bodyBytes * 10 + digit;
    space += 1;
  }
  const newline = space + 1 + SHA1_HEX_BYTES;
  if (bodyBytes === 0 || newline >= end || bytes[space] !== 0x20 || bytes[newline] !== 0x0a) return null;
  for (let hex = space + 1; hex < newline; hex++) if (!isHexDigit(bytes[hex] ?? 0)) return null;
  const sha1 = bytes.toString('latin1', space + 1, newline).toLowerCase();
  return { headerBytes: newline + 1 - at, bodyBytes, sha1 };
}

/** Could these bytes be a header line of which the end has not been written yet? */
export function isBegunHeader(bytes: Buffer, at: number, end: number): boolean {
  if (end - at >= MAX_HEADER_BYTES || bytes.subarray(at, end).includes(0x0a)) return false;
  const text = bytes.toString('latin1', at, end);
  return 'OVSDB CLUSTER '.startsWith(text) || /^OVSDB CLUSTER \d{1,15}(?: [0-9a-f]{0,40})?$/i.test(text);
}

export function startsWith(bytes: Buffer, at: number, end: number, prefix: Buffer): boolean {
  return end - at >= prefix.length && bytes.compare(prefix, 0, prefix.length, at, at + prefix.length) === 0;
}

function isHexDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66) || (byte >= 0x41 && byte <= 0x46);
}
