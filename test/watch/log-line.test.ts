import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databaseIn, databaseOfLog, parseLogPiece, printableText, timeOf } from '../../src/watch/log-line.ts';
import { kubeOvnLines } from './real-lines.ts';

const STAMP = '2026-11-23T19:36:13.912461006Z';

const PIECES: readonly (readonly [string, ReturnType<typeof parseLogPiece>])[] = [
  [`${STAMP} stderr F a b`, { stamp: STAMP, stream: 'stderr', last: true, text: 'a b' }],
  [`${STAMP} stdout P a`, { stamp: STAMP, stream: 'stdout', last: false, text: 'a' }],
  [`${STAMP} stdout F`, { stamp: STAMP, stream: 'stdout', last: true, text: '' }],
  [`${STAMP} stdout F `, { stamp: STAMP, stream: 'stdout', last: true, text: '' }],
  [`${STAMP} stdout F:x a`, { stamp: STAMP, stream: 'stdout', last: true, text: 'a' }],
  [
    '2026-11-24T03:36:13.9+08:00 stderr F a',
    { stamp: '2026-11-24T03:36:13.9+08:00', stream: 'stderr', last: true, text: 'a' },
  ],
  ['2026-11-23T19:36:13.912Z|00001|vlog|INFO|x', plain('2026-11-23T19:36:13.912Z|00001|vlog|INFO|x')],
  [`${STAMP} stdin F a`, plain(`${STAMP} stdin F a`)],
  ['a\r', plain('a')],
  ['', plain('')],
];

function plain(text: string): ReturnType<typeof parseLogPiece> {
  return { stamp: null, stream: 'plain', last: true, text };
}

for (const [line, piece] of PIECES) {
  test(`${JSON.stringify(line)} is read as ${piece.stream}`, () => {
    assert.deepEqual(parseLogPiece(line), piece);
  });
}

test('every line of a real container log has a prefix and a time', () => {
  const lines = kubeOvnLines().filter((line) => / std(out|err) [FP] /.test(line));
  assert.ok(lines.length > 100);
  for (const line of lines) {
    const { stream, stamp, text } = parseLogPiece(line);
    assert.notEqual(stream, 'plain', line);
    assert.notEqual(timeOf(text, stamp), null, line);
  }
});

test("the server's own time is preferred, whatever the zone of the other", () => {
  assert.equal(
    timeOf('2026-11-23T19:36:13.912Z|1|x', '2026-11-24T03:36:14+08:00'),
    '2026-11-23T19:36:13.912Z',
  );
  assert.equal(timeOf('2026-11-23T19:36:13Z|1|x', null), '2026-11-23T19:36:13.000Z');
  assert.equal(timeOf('x', '2026-11-24T03:36:14+08:00'), '2026-11-23T19:36:14.000Z');
  assert.equal(timeOf('x', '2026-99-24T03:36:14Z'), null);
  assert.equal(timeOf('x', null), null);
});

test('the database comes from the file name, else from the schema name, and never from both', () => {
  assert.equal(databaseIn("failed to open database '/etc/ovn/ovnsb_db.db': x OVN_Northbound"), 'sb');
  assert.equal(databaseIn('OVN_Northbound: entering failure mode'), 'nb');
  assert.equal(
    databaseIn('name OVN_Southbound in header does not match name OVN_Northbound in schema'),
    null,
  );
  assert.equal(databaseIn('fsync failed'), null);
});

test('the name of a log tells its database', () => {
  assert.equal(databaseOfLog('/var/log/ovn/ovsdb-server-nb.log'), 'nb');
  assert.equal(databaseOfLog('/var/log/ovn/ovsdb-server-sb.log.1.gz'), 'sb');
  assert.equal(databaseOfLog('/var/nb.d/ovn-northd.log'), null);
});

test('text for people has no control characters and is short', () => {
  assert.equal(
    printableText('a\u001b[31mb\u0000\u202e\u2028\u{e0001}c'),
    'a\\x1b[31mb\\x00\\u202e\\u2028\\u{e0001}c',
  );
  const long = printableText('\u0007'.repeat(10_000));
  assert.equal(long.length, 2048);
  assert.ok(long.endsWith('…'));
});
