import type { Damage } from './damage.ts';
import {
  endOf,
  flip,
  frame,
  headerLine,
  insertAfter,
  lengthOf,
  recordBytes,
  replace,
  replaceHeaderLine,
  splice,
} from './log-bytes.ts';

const BAD_FRAME: Damage['kinds'] = [
  'damaged-record',
  'torn-tail',
  'broken-first-record',
  'not-ovsdb',
  'standalone',
];
const PAGE_BYTES = 4096;
/** Fixed noise, so that the corpus is the same each time; it holds no header line. */
const NOISE = Buffer.from(Array.from({ length: PAGE_BYTES }, (_, at) => (at * 167 + (at >> 3) * 59) & 0xff));

const any = (name: string, apply: Damage['apply'], kinds: Damage['kinds'] = BAD_FRAME): Damage => ({
  name,
  target: 'any',
  apply,
  kinds,
});

/** What disks, copies and interrupted writes do: checksums, lengths and header lines are wrong. */
export const FRAME_DAMAGES: readonly Damage[] = [
  any('flip-body', ({ bytes }, record) => flip(bytes, record.bodyOffset + (record.bodyBytes >> 1))),
  any('flip-first-byte-of-body', ({ bytes }, record) => flip(bytes, record.bodyOffset)),
  any('flip-last-byte-of-body', ({ bytes }, record) => flip(bytes, endOf(record) - 1)),
  any('flip-checksum', ({ bytes }, record) => flip(bytes, record.bodyOffset - 10)),
  any('flip-magic', ({ bytes }, record) => flip(bytes, record.offset + 2)),
  any('flip-length', ({ bytes }, record) => flip(bytes, record.offset + 'OVSDB CLUSTER '.length)),
  any('flip-end-of-header-line', ({ bytes }, record) => flip(bytes, record.bodyOffset - 1)),
  any('zero-64-bytes', ({ bytes }, { bodyOffset, bodyBytes }) => {
    const count = Math.min(64, bodyBytes);
    return splice(bytes, bodyOffset, count, Buffer.alloc(count));
  }),
  any('zero-page', ({ bytes }, { offset }) => {
    const start = offset - (offset % PAGE_BYTES);
    const count = Math.min(PAGE_BYTES, bytes.length - start);
    return splice(bytes, start, count, Buffer.alloc(count));
  }),
  any('noise-page', ({ bytes }, { offset }) => {
    const count = Math.min(PAGE_BYTES, bytes.length - offset);
    return splice(bytes, offset, count, NOISE.subarray(0, count));
  }),
  any('zero-to-end', ({ bytes }, { bodyOffset }) =>
    splice(bytes, bodyOffset, bytes.length - bodyOffset, Buffer.alloc(bytes.length - bodyOffset)),
  ),
  any('cut-byte', ({ bytes }, record) => splice(bytes, record.bodyOffset + 3, 1)),
  any('cut-page', ({ bytes }, record) => splice(bytes, record.bodyOffset + 3, PAGE_BYTES)),
  any('cut-header-line', (log, record) => replaceHeaderLine(log, record, '')),
  any('insert-byte', ({ bytes }, record) => splice(bytes, record.bodyOffset + 3, 0, 'x')),
  any('insert-text-line', (log, record) => insertAfter(log, record, 'this is no record\n')),
  any('insert-newline', (log, record) => insertAfter(log, record, '\n')),
  any('insert-zeros', (log, record) => insertAfter(log, record, Buffer.alloc(512))),
  any('insert-header-line-only', (log, record) => insertAfter(log, record, `${headerLine(log, record)}\n`)),
  any('insert-standalone-record', (log, record) =>
    insertAfter(log, record, frame('{}').toString('latin1').replace('CLUSTER', 'JSON')),
  ),
  any('truncate-in-body', ({ bytes }, { bodyOffset, bodyBytes }) =>
    bytes.subarray(0, bodyOffset + (bodyBytes >> 1)),
  ),
  any('truncate-last-byte', ({ bytes }, record) => bytes.subarray(0, endOf(record) - 1)),
  any('truncate-in-header-line', ({ bytes }, { offset }) => bytes.subarray(0, offset + 20)),
  any('truncate-in-magic', ({ bytes }, { offset }) => bytes.subarray(0, offset + 3)),
  any('truncate-before-body', ({ bytes }, { bodyOffset }) => bytes.subarray(0, bodyOffset)),
  any('length-too-long', (log, record) => withLength(log, record, String(record.bodyBytes + 7))),
  any('length-too-short', (log, record) => withLength(log, record, String(record.bodyBytes - 7))),
  any('length-zero', (log, record) => withLength(log, record, '0')),
  any('length-negative', (log, record) => withLength(log, record, '-5')),
  any('length-huge', (log, record) => withLength(log, record, '999999999999')),
  any('length-beyond-64-bits', (log, record) => withLength(log, record, '99999999999999999999999')),
  any('length-hexadecimal', (log, record) => withLength(log, record, `0x${record.bodyBytes.toString(16)}`)),
  any('header-line-with-crlf', (log, record) =>
    replaceHeaderLine(log, record, `${headerLine(log, record)}\r\n`),
  ),
  any('header-line-too-long', (log, record) =>
    replaceHeaderLine(log, record, `${headerLine(log, record)}${' '.repeat(100)}\n`),
  ),
  any('header-line-with-two-spaces', (log, record) =>
    replaceHeaderLine(log, record, `${headerLine(log, record).replaceAll(' ', '  ')}\n`),
  ),
  any(
    'checksum-in-capitals',
    (log, record) =>
      replaceHeaderLine(
        log,
        record,
        `${headerLine(log, record).replace(/[0-9a-f]{40}$/, (hex) => hex.toUpperCase())}\n`,
      ),
    ['sound'],
  ),
  any('checksum-too-short', (log, record) =>
    replaceHeaderLine(log, record, `${headerLine(log, record).slice(0, -1)}\n`),
  ),
  any('magic-in-small-letters', (log, record) =>
    replace(
      log,
      record,
      Buffer.from(recordBytes(log, record).toString('latin1').replace('CLUSTER', 'cluster'), 'latin1'),
    ),
  ),
];

function withLength(
  log: Parameters<Damage['apply']>[0],
  record: Parameters<Damage['apply']>[1],
  length: string,
): Buffer {
  return replaceHeaderLine(log, record, `${headerLine(log, record).replace(/ \d+ /, ` ${length} `)}\n`);
}

/** Damage to the file as a whole. */
export const FILE_DAMAGES: readonly Damage[] = [
  file('empty', () => Buffer.alloc(0), ['empty']),
  file('all-zeros', ({ bytes }) => Buffer.alloc(bytes.length), ['not-ovsdb']),
  file('all-noise', () => NOISE, ['not-ovsdb']),
  file('text', () => Buffer.from('<html>404 not found</html>\n'), ['not-ovsdb']),
  file('append-zeros', ({ bytes }) => Buffer.concat([bytes, Buffer.alloc(PAGE_BYTES)]), ['torn-tail']),
  file('append-noise', ({ bytes }) => Buffer.concat([bytes, NOISE]), ['torn-tail']),
  file('twice', ({ bytes }) => Buffer.concat([bytes, bytes]), ['invalid-record']),
  file('without-first-record', (log, record) => log.bytes.subarray(endOf(record)), ['broken-first-record']),
  file('first-record-twice', (log, record) => insertAfter(log, record, recordBytes(log, record)), [
    'invalid-record',
  ]),
  file(
    'first-record-last',
    (log, record) => Buffer.concat([log.bytes.subarray(lengthOf(record)), recordBytes(log, record)]),
    ['broken-first-record'],
  ),
  file('shifted-by-a-line', ({ bytes }) => Buffer.concat([Buffer.from('\n'), bytes]), [
    'broken-first-record',
    'not-ovsdb',
  ]),
];

function file(name: string, apply: Damage['apply'], kinds: Damage['kinds']): Damage {
  return { name, target: 'file', apply, kinds };
}
