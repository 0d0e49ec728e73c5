import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageOf, humanAge, humanDuration } from '../../src/lib/human-time.ts';

test('durations are told in one unit, rounded down', () => {
  const cases = [
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1 s'],
    [119_999, '119 s'],
    [120_000, '2 min'],
    [7_199_999, '119 min'],
    [7_200_000, '2 h'],
    [2 * 86_400_000, '2 days'],
    [-5, '0 ms'],
  ] as const;
  for (const [ms, text] of cases) assert.equal(humanDuration(ms), text);
});

test('ages say never, now or ago', () => {
  assert.equal(humanAge(null), 'never');
  assert.equal(humanAge(300), 'now');
  assert.equal(humanAge(12_000), '12 s ago');
});

test('the age of a time is never negative, and none for what is no time', () => {
  const nowMs = Date.parse('2026-11-24T03:00:10.000Z');
  assert.equal(ageOf('2026-11-24T03:00:00.000Z', nowMs), 10_000);
  assert.equal(ageOf('2026-11-24T04:00:00.000Z', nowMs), 0);
  assert.equal(ageOf('soon', nowMs), null);
  assert.equal(ageOf(null, nowMs), null);
});
