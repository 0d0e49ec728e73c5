import { type FileRecord, encodeRecord } from '../../engine/support/index.ts';
import type { Damage, Target } from './damage.ts';
import {
  type LogBytes,
  endOf,
  frame,
  insertAfter,
  lengthOf,
  recordBytes,
  replace,
  splice,
} from './log-bytes.ts';

const STRANGER = '12345678-1234-4234-8234-123456789abc';
const OTHER = 'aaaaaaaa-1234-4234-8234-123456789abc';
type Body = FileRecord['body'];

/** Right checksums, wrong records: bugs, hands, and a disk that lost a write in between. */
export const CONTENT_DAMAGES: readonly Damage[] = [
  damage('drop-entry', 'entry', drop, ['index-skipped', 'commit-ahead-of-log']),
  damage('drop-commit', 'commit', drop, ['sound']),
  damage('drop-first-entry-after-snapshot', 'file', dropFirstEntry, ['index-skipped', 'commit-ahead-of-log']),
  damage('repeat-entry-at-once', 'entry', repeatAtOnce, [
    'sound',
    'leader-rewrote-log',
    'truncates-committed',
    'index-skipped',
  ]),
  damage('repeat-entry-when-committed', 'entry', repeatAtEnd, ['truncates-committed']),
  damage('entry-goes-back', 'entry', changeNumber('index', -3), [
    'truncates-committed',
    'leader-rewrote-log',
    'commit-ahead-of-log',
  ]),
  damage('entry-skips', 'entry', changeNumber('index', 1), [
    'index-skipped',
    'commit-ahead-of-log',
    'truncates-committed',
  ]),
  damage('entry-far-ahead', 'entry', changeNumber('index', 1e6), ['index-skipped']),
  damage('entry-in-old-term', 'entry', (log, record) => change({ term: 0 })(log, record), ['term-regressed']),
  damage('commit-ahead', 'commit', changeNumber('commit_index', 1000), ['commit-ahead-of-log']),
  damage('commit-one-ahead-at-end', 'file', (log) => append(log, { commit_index: lastIndex(log) + 1 }), [
    'commit-ahead-of-log',
  ]),
  damage(
    'commit-goes-back',
    'commit',
    (log, record) =>
      insertAfter(log, record, encodeRecord({ commit_index: Number(record.body['commit_index']) - 1 })),
    ['commit-regressed'],
  ),
  damage('vote-for-old-term', 'file', (log) => append(log, { term: 0, vote: STRANGER }), [
    'vote-for-old-term',
    'invalid-record',
  ]),
  damage('vote-for-two', 'any', (log, record) => insertAfter(log, record, votes(STRANGER, OTHER)), [
    'vote-changed',
    'invalid-record',
  ]),
  damage('vote-for-one-twice', 'file', (log) => Buffer.concat([log.bytes, votes(STRANGER, STRANGER)]), [
    'sound',
  ]),
  damage('two-leaders', 'any', (log, record) => leaders(log, record, STRANGER, OTHER), ['leader-changed']),
  damage('higher-term', 'any', (log, record) => insertAfter(log, record, encodeRecord({ term: 1 })), [
    'sound',
  ]),
  damage('note-left', 'file', (log) => append(log, { note: 'left' }), ['left-cluster']),
  damage(
    'note-left-in-between',
    'any',
    (log, record) => insertAfter(log, record, encodeRecord({ note: 'left' })),
    ['left-cluster'],
  ),
  damage('other-note', 'any', (log, record) => insertAfter(log, record, encodeRecord({ note: 'hello' })), [
    'sound',
  ]),
  damage(
    'servers-without-self',
    'entry',
    (log, record) => change({ servers: { [STRANGER]: 'tcp:127.0.0.9:6643' } })(log, record),
    ['not-a-member', 'sound'],
  ),
  damage(
    'other-servers-with-self',
    'entry',
    (log, record) => change({ servers: selfAndStranger(log) })(log, record),
    ['sound'],
  ),
  damage(
    'changed-value',
    'entry',
    (log, record) => change({ data: [null, { Logical_Switch: {} }], eid: OTHER })(log, record),
    ['sound'],
  ),
  damage('swap-two-records', 'any', swapWithNext, [
    'sound',
    'index-skipped',
    'commit-ahead-of-log',
    'commit-regressed',
    'invalid-record',
    'broken-first-record',
    'truncates-committed',
    'term-regressed',
    'leader-rewrote-log',
    'vote-for-old-term',
  ]),
];

const REFUSED: Damage['kinds'] = ['invalid-record', 'broken-first-record'];

/** Records that a server does not accept as such, put behind another. */
const STRANGE_RECORDS: Readonly<Record<string, string>> = {
  'no-json': 'hello',
  'empty-body': '',
  'array-body': '[1,2]',
  'scalar-body': '17',
  'empty-object': '{}',
  'unfinished-json': '{"term":1',
  'trailing-comma': '{"term":1,}',
  'single-quotes': "{'term':1}",
  'leading-zero': '{"term":01}',
  nan: '{"term":NaN}',
  'control-character': '{"comment":"a\tb","term":1}',
  'bad-escape': '{"comment":"\\x","term":1}',
  'null-character': '{"comment":"\\u0000","term":1}',
  'lone-high-surrogate': '{"comment":"\\ud800","term":1}',
  'lone-high-surrogate-in-data': `{"comment":"a","data":[null,{"a":"\\ud800x"}],"eid":"${OTHER}","index":1,"term":1}`,
  'null-character-in-data': `{"comment":"a","data":[null,{"a":"\\u0000"}],"eid":"${OTHER}","index":1,"term":1}`,
  'null-character-in-name': '{"a\\u0000":1,"term":1}',
  'low-surrogate-in-name-after-high': '{"a\\ud800b":1,"term":1}',
  'high-surrogate-and-no-low': '{"comment":"\\ud800\\u0041","term":1}',
  'unknown-member': '{"term":1,"colour":"red"}',
  'term-missing': '{"index":1}',
  'term-is-text': '{"term":"1"}',
  'term-is-fraction': '{"term":1.5}',
  'term-is-null': '{"term":null}',
  'term-is-infinite': '{"term":1e999}',
  'index-is-text': '{"term":1,"index":"7"}',
  'data-without-eid': '{"term":1,"index":7,"data":[null,{}]}',
  'data-is-text': `{"term":1,"index":7,"data":"x","eid":"${OTHER}"}`,
  'eid-without-data': `{"term":1,"index":7,"eid":"${OTHER}"}`,
  'eid-is-no-uuid': '{"term":1,"index":7,"data":[null,{}],"eid":"hello"}',
  'servers-empty': '{"term":1,"index":7,"servers":{}}',
  'servers-bad-uuid': '{"term":1,"index":7,"servers":{"x":"tcp:1.2.3.4:5"}}',
  'servers-bad-address': `{"term":1,"index":7,"servers":{"${OTHER}":"hello"}}`,
  'servers-address-without-port': `{"term":1,"index":7,"servers":{"${OTHER}":"tcp:1.2.3.4"}}`,
  'servers-address-with-bad-port': `{"term":1,"index":7,"servers":{"${OTHER}":"tcp:1.2.3.4:99999"}}`,
  'servers-address-is-number': `{"term":1,"index":7,"servers":{"${OTHER}":7}}`,
  'election-timer-is-text': '{"term":1,"index":7,"election_timer":"7"}',
  'vote-is-nobody': '{"term":1,"vote":"00000000-0000-0000-0000-000000000000"}',
  'vote-is-no-uuid': '{"term":1,"vote":"hello"}',
  'vote-is-number': '{"term":1,"vote":7}',
  'leader-is-no-uuid': '{"term":1,"leader":"hello"}',
  'note-is-number': '{"note":7}',
  'note-with-term': '{"note":"x","term":1}',
  'comment-is-number': '{"comment":7,"term":1}',
  'commit-is-text': '{"commit_index":"7"}',
  'commit-with-term': '{"commit_index":7,"term":1}',
  'bytes-after-the-object': '{"term":1} hello',
  'two-objects': '{"term":1}{"term":1}',
};

export const STRANGE_RECORD_DAMAGES: readonly Damage[] = [
  ...Object.entries(STRANGE_RECORDS).map(([name, text]) =>
    damage(name, 'any', (log, record) => insertAfter(log, record, frame(text)), REFUSED),
  ),
  damage('nested-too-deep', 'any', (log, record) => insertAfter(log, record, frame(nested(1001))), REFUSED),
  damage(
    'nested-deep-enough',
    'any',
    (log, record) => insertAfter(log, record, frame(`{"comment":"${'x'.repeat(5000)}","term":1}`)),
    ['sound'],
  ),
  damage(
    'no-utf8',
    'any',
    (log, record) =>
      insertAfter(log, record, frame(Buffer.from('{"comment":"\xff\xfe","term":1}', 'latin1'))),
    ['sound'],
  ),
  damage(
    'surrogate-pair',
    'any',
    (log, record) => insertAfter(log, record, frame('{"comment":"\\ud83D\\uDe00","term":1}')),
    ['sound'],
  ),
  damage(
    'lone-low-surrogate',
    'any',
    (log, record) => insertAfter(log, record, frame('{"comment":"\\ude00","term":1}')),
    ['sound'],
  ),
  damage(
    'address-with-host-name',
    'entry',
    (log, record) =>
      change({ servers: { ...selfAndStranger(log), [OTHER]: 'ssl:host.example:6643' } })(log, record),
    ['sound'],
  ),
  damage(
    'address-in-brackets',
    'entry',
    (log, record) =>
      change({ servers: { ...selfAndStranger(log), [OTHER]: 'ssl:[fd00::7]:6643' } })(log, record),
    ['sound'],
  ),
  damage('spaces-around', 'any', (log, record) => insertAfter(log, record, frame('  { "term" : 1 }  ')), [
    'sound',
  ]),
  damage('term-as-1.0', 'any', (log, record) => insertAfter(log, record, frame('{"term":1.0}')), ['sound']),
  damage('term-as-1e0', 'any', (log, record) => insertAfter(log, record, frame('{"term":1e0}')), ['sound']),
  damage('member-twice', 'any', (log, record) => insertAfter(log, record, frame('{"term":"x","term":1}')), [
    'sound',
  ]),
];

/** Changes of the first record. A server with such a file does not start. */
const HEADERS: Readonly<Record<string, (body: Body) => unknown>> = {
  'header-without-server-id': ({ server_id: _, ...rest }) => rest,
  'header-without-name': ({ name: _, ...rest }) => rest,
  'header-without-address': ({ local_address: _, ...rest }) => rest,
  'header-without-cluster-id': ({ cluster_id: _, ...rest }) => rest,
  'header-without-servers': ({ prev_servers: _, ...rest }) => rest,
  'header-with-bad-server-id': (body) => ({ ...body, server_id: 'hello' }),
  'header-with-bad-cluster-id': (body) => ({ ...body, cluster_id: 7 }),
  'header-with-bad-name': (body) => ({ ...body, name: ['x'] }),
  'header-with-number-as-address': (body) => ({ ...body, local_address: 7 }),
  'header-with-empty-servers': (body) => ({ ...body, prev_servers: {} }),
  'header-with-bad-servers': (body) => ({ ...body, prev_servers: { x: 'tcp:1.2.3.4:5' } }),
  'header-with-unknown-member': (body) => ({ ...body, colour: 'red' }),
  'header-with-remotes': (body) => ({ ...body, remote_addresses: ['tcp:1.2.3.4:5'] }),
  'header-with-bad-remotes': (body) => ({ ...body, remote_addresses: [] }),
  'header-without-eid': ({ prev_eid: _, ...rest }) => rest,
  'header-without-term': ({ prev_term: _, ...rest }) => rest,
  'header-with-bad-eid': (body) => ({ ...body, prev_eid: 'x' }),
  'header-with-text-as-index': (body) => ({ ...body, prev_index: '7' }),
  'header-with-bad-timer': (body) => ({ ...body, prev_election_timer: 'x' }),
};

export const HEADER_DAMAGES: readonly Damage[] = [
  ...Object.entries(HEADERS).map(([name, rewrite]) =>
    damage(name, 'first', (log, record) => replace(log, record, encodeRecord(rewrite(record.body))), [
      'broken-first-record',
    ]),
  ),
  damage('header-without-self', 'first', change({ prev_servers: { [STRANGER]: 'tcp:127.0.0.9:6643' } }), [
    'not-a-member',
    'sound',
  ]),
  damage('header-with-odd-address', 'first', change({ local_address: 'hello' }), ['sound']),
  damage(
    'header-with-nil-server-id',
    'first',
    change({ server_id: '00000000-0000-0000-0000-000000000000' }),
    ['not-a-member', 'broken-first-record'],
  ),
  damage('header-with-far-snapshot', 'first', change({ prev_index: 5_000_000 }), ['truncates-committed']),
  damage('header-with-snapshot-of-a-later-term', 'first', change({ prev_term: 5_000_000 }), [
    'term-regressed',
  ]),
  damage('header-with-index-zero', 'first', change({ prev_index: 0 }), ['broken-first-record']),
];

function damage(name: string, target: Target, apply: Damage['apply'], kinds: Damage['kinds']): Damage {
  return { name, target, apply, kinds };
}

function drop({ bytes }: LogBytes, record: FileRecord): Buffer {
  return splice(bytes, record.offset, lengthOf(record));
}

function dropFirstEntry(log: LogBytes): Buffer | null {
  const entry = log.records.find(({ number, body }) => number > 0 && 'index' in body);
  return entry === undefined ? null : drop(log, entry);
}

function change(members: Body): Damage['apply'] {
  return (log, record) => replace(log, record, encodeRecord({ ...record.body, ...members }));
}

function changeNumber(name: string, by: number): Damage['apply'] {
  return (log, record) => {
    const value = Number(record.body[name]) + by;
    return value < 1 ? null : change({ [name]: value })(log, record);
  };
}

function repeatAtOnce(log: LogBytes, record: FileRecord): Buffer {
  return insertAfter(log, record, recordBytes(log, record));
}

/** Behind the record that commits it, and at least one more. */
function repeatAtEnd(log: LogBytes, record: FileRecord): Buffer | null {
  const index = Number(record.body['index']);
  const commit = log.records.find(({ body }) => Number(body['commit_index'] ?? 0) > index);
  return commit === undefined ? null : insertAfter(log, commit, recordBytes(log, record));
}

function append({ bytes }: LogBytes, body: Body): Buffer {
  return Buffer.concat([bytes, encodeRecord(body)]);
}

function lastIndex({ records }: LogBytes): number {
  return Math.max(...records.map(({ body }) => Number(body['index'] ?? body['prev_index'] ?? 0)));
}

/** Two votes in a term that no other record has. */
function votes(first: string, second: string): Buffer {
  const term = 1_000_000;
  return Buffer.concat([first, second].map((vote) => encodeRecord({ term, vote })));
}

function leaders(log: LogBytes, record: FileRecord, first: string, second: string): Buffer {
  const both = [first, second].map((leader) => encodeRecord({ term: 1_000_000, leader }));
  return insertAfter(log, record, Buffer.concat(both));
}

function selfAndStranger({ records }: LogBytes): Readonly<Record<string, string>> {
  const body = records[0]?.body ?? {};
  return { [String(body['server_id'])]: String(body['local_address']), [STRANGER]: 'tcp:127.0.0.9:6643' };
}

function swapWithNext(log: LogBytes, record: FileRecord): Buffer | null {
  const next = log.records[record.number + 1];
  if (next === undefined) return null;
  const swapped = Buffer.concat([recordBytes(log, next), recordBytes(log, record)]);
  return splice(log.bytes, record.offset, endOf(next) - record.offset, swapped);
}

function nested(levels: number): string {
  return `{"term":1,"data":${'['.repeat(levels)}${']'.repeat(levels)}}`;
}
