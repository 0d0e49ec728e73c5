import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '../../src/ovsdb/file-report.ts';
import { type FullRead, type Rot, confirmationDue, nextRot, rotEvidence } from '../../src/watch/rot.ts';

const PROBLEM: Problem = { kind: 'damaged-record', record: 7, offset: 4_242, detail: 'bad SHA-1' };
const CONFIRM_AFTER_MS = 60_000;

function read(monotonicMs: number, change: Partial<FullRead> = {}): FullRead {
  return { inode: '1:7', problem: PROBLEM, pastPageCache: 'yes', nowMs: 5_000, monotonicMs, ...change };
}

function after(...reads: readonly FullRead[]): Rot | null {
  return reads.reduce<Rot | null>((rot, next) => nextRot(rot, next, CONFIRM_AFTER_MS), null);
}

test('two reads count as two only when they are far enough apart', () => {
  const table: readonly (readonly [readonly number[], number])[] = [
    [[0], 1],
    [[0, 1_000, 2_000, 59_999], 1],
    [[0, 60_000], 2],
    [[0, 30_000, 60_000], 2],
    [[0, 60_000, 61_000], 2],
    [[0, 60_000, 120_000], 3],
  ];
  for (const [times, reads] of table) {
    const rot = after(...times.map((time) => read(time)));
    assert.equal(rot?.reads, reads, times.join(', '));
  }
});

test('the span runs from the first read to the last one that counted', () => {
  const rot = after(read(10_000), read(40_000), read(75_000));
  assert.ok(rot !== null);
  const { reads, spanMs, firstSeenAt, checkCluster } = rotEvidence(rot);
  assert.deepEqual(
    { reads, spanMs, firstSeenAt, checkCluster },
    { reads: 2, spanMs: 65_000, firstSeenAt: '1970-01-01T00:00:05.000Z', checkCluster: 'not-run' },
  );
});

test('another file, another place or another kind of damage begins anew', () => {
  const changes: readonly Partial<FullRead>[] = [
    { inode: '1:8' },
    { problem: { ...PROBLEM, offset: 4_243 } },
    { problem: { ...PROBLEM, kind: 'invalid-record' } },
  ];
  for (const change of changes) {
    const rot = after(read(0), read(60_000, change));
    assert.equal(rot?.reads, 1, JSON.stringify(change));
    assert.equal(rot.firstSeenMonotonicMs, 60_000);
  }
});

test('a read that finds nothing clears everything', () => {
  assert.equal(after(read(0), read(60_000), read(61_000, { problem: null })), null);
});

test('the copy and the word of check-cluster are kept for as long as the damage is the same', () => {
  const first = after(read(0));
  assert.ok(first !== null);
  const known: Rot = { ...first, preservedSha256: 'ab', checkCluster: 'bad' };
  assert.equal(nextRot(known, read(60_000), CONFIRM_AFTER_MS)?.preservedSha256, 'ab');
  assert.equal(nextRot(known, read(60_000, { inode: '1:8' }), CONFIRM_AFTER_MS)?.preservedSha256, null);
});

test('a confirming read is due once: when the time has come and it has not been done', () => {
  const rot = after(read(0));
  assert.ok(rot !== null);
  assert.equal(confirmationDue(rot, 59_999, CONFIRM_AFTER_MS), false);
  assert.equal(confirmationDue(rot, 60_000, CONFIRM_AFTER_MS), true);
  const confirmed = after(read(0), read(60_000));
  assert.ok(confirmed !== null);
  assert.equal(confirmationDue(confirmed, 999_999, CONFIRM_AFTER_MS), false);
});
