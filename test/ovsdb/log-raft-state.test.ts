import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { FileReport } from '../../src/ovsdb/file-report.ts';
import { verifyFile } from '../../src/ovsdb/verify-file.ts';
import { temporaryDirectory } from '../engine/support/index.ts';
import { frame } from './corpus/log-bytes.ts';
import { ADDRESS, OTHER, SELF, commit, eidOf, entries, entry, header, logOf } from './small-log.ts';

async function verify(context: TestContext, bytes: Buffer): Promise<FileReport> {
  const path = join(temporaryDirectory(context), 'test.db');
  writeFileSync(path, bytes);
  return (await verifyFile(path)).report;
}

const START = [header(), ...entries(2, 5)];
const TRUNCATES = [{ kind: 'truncates-committed', record: 9, sameEntry: false }];
const both = { [SELF]: ADDRESS, [OTHER]: 'tcp:127.0.0.2:6643' };
const without = { [OTHER]: 'tcp:127.0.0.2:6643' };

/** Each rule that a server enforces at its start, and what stays allowed. Records 0 to 8 are sound. */
const RULES: readonly (readonly [title: string, records: readonly unknown[], found: readonly object[]])[] = [
  ['an entry follows', [entry(6)], []],
  ['an entry leaves one out', [entry(7)], [{ kind: 'index-skipped', record: 9 }]],
  ['an uncommitted entry is written again', [entry(6), entry(7), entry(6, 2)], []],
  ['the committed entry is written again as another', [entry(5, 1, { eid: eidOf(99) })], []],
  ['an older one is written again', [entry(4, 1, { eid: eidOf(99) })], TRUNCATES],
  ['an older one is repeated as it was', [entry(4)], [{ ...TRUNCATES[0], sameEntry: true }]],
  ['an entry of the snapshot is written', [entry(1)], TRUNCATES],
  ['a term rises', [entry(6, 2)], []],
  ['a term falls', [entry(6, 3), entry(7, 2)], [{ kind: 'term-regressed', record: 10 }]],
  ['a term falls where the higher one was taken back', [entry(6, 3), entry(6, 2)], []],
  ['the commit index stays', [commit(5)], []],
  ['the commit index goes back', [commit(4)], [{ kind: 'commit-regressed', record: 9 }]],
  ['the commit index is ahead', [commit(6)], [{ kind: 'commit-ahead-of-log', record: 9 }]],
  ['a vote', [{ term: 2, vote: SELF }], []],
  [
    'a vote again',
    [
      { term: 2, vote: SELF },
      { term: 2, vote: SELF },
    ],
    [],
  ],
  [
    'a vote in the next term',
    [
      { term: 2, vote: SELF },
      { term: 3, vote: OTHER },
    ],
    [],
  ],
  [
    'two votes',
    [
      { term: 2, vote: SELF },
      { term: 2, vote: OTHER },
    ],
    [{ kind: 'vote-changed', record: 10 }],
  ],
  ['a vote too late', [{ term: 3 }, { term: 2, vote: SELF }], [{ kind: 'vote-for-old-term', record: 10 }]],
  ['a term too late', [{ term: 3 }, { term: 2 }], []],
  [
    'a leader',
    [
      { term: 2, leader: OTHER },
      { term: 2, leader: OTHER },
    ],
    [],
  ],
  [
    'two leaders',
    [
      { term: 2, leader: OTHER },
      { term: 2, leader: SELF },
    ],
    [{ kind: 'leader-changed', record: 10 }],
  ],
  [
    'a leader that writes an entry again',
    [{ term: 2, leader: SELF }, entry(6, 2), entry(6, 2)],
    [{ kind: 'leader-rewrote-log', record: 11 }],
  ],
  ['a note', [{ note: 'transfer leadership' }], []],
  ['the note left', [{ note: 'left' }], [{ kind: 'left-cluster', record: 9 }]],
  ['a member more', [entry(6, 1, { servers: both })], []],
  ['the own id is gone', [entry(6, 1, { servers: without })], [{ kind: 'not-a-member', record: null }]],
  ['the own id is gone and back', [entry(6, 1, { servers: without }), entry(7, 1, { servers: both })], []],
  ['the own id is gone, but that was taken back', [entry(6, 1, { servers: without }), entry(6, 2)], []],
];

for (const [title, records, found] of RULES) {
  test(`${title}: ${found.length === 0 ? 'sound' : JSON.stringify(found)}`, async (t) => {
    const { problems } = await verify(t, logOf(...START, ...records));
    assert.deepEqual(
      problems.map(({ kind, record, sameEntry }) => ({
        kind,
        record,
        ...(sameEntry === undefined ? {} : { sameEntry }),
      })),
      found,
    );
  });
}

test('the report of a sound log names its end, its commit and the entry id there', async (t) => {
  const report = await verify(
    t,
    logOf(...START, entry(6, 4, { data: undefined, eid: undefined }), entry(7, 4)),
  );
  assert.deepEqual(
    { ...report, file: '', sizeBytes: 0 },
    {
      ...{ file: '', ok: true, joined: true, records: 11, sizeBytes: 0, problems: [] },
      ...{ database: 'OVN_Northbound', clusterId: header()['cluster_id'], serverId: SELF, address: ADDRESS },
      ...{ term: 4, lastIndex: 7, commitIndex: 5, eid: eidOf(5) },
    },
  );
});

test('an entry without data has the entry id of the one before', async (t) => {
  const report = await verify(
    t,
    logOf(...START, entry(6, 4, { data: undefined, eid: undefined }), commit(6)),
  );
  assert.equal(report.eid, eidOf(5));
});

test('integers of any size are taken as the server takes them, and reported as numbers that JSON can carry', async (t) => {
  for (const [text, ok] of [
    ['9007199254740993', true],
    ['9223372036854775807', true],
    ['18446744073709551615', false],
    ['-1', true],
    ['1e400', false],
    ['1.5', false],
  ] as const) {
    const raw = Buffer.concat([logOf(...START), frame(`{"term":${text}}`)]);
    const report = await verify(t, raw);
    assert.equal(report.ok, ok, text);
    if (ok) assert.equal(report.term, Number.MAX_SAFE_INTEGER);
  }
  const far = await verify(t, Buffer.concat([logOf(...START), frame('{"commit_index":-1}')]));
  assert.equal(far.problems[0]?.kind, 'commit-ahead-of-log');
  assert.equal(far.commitIndex, Number.MAX_SAFE_INTEGER);
});
