import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LogHistoryBuilder, MAX_REMEMBERED_ENTRIES } from '../../src/ovsdb/log-history.ts';
import type { LogPosition } from '../../src/ovsdb/log-position.ts';
import { eidOf } from './small-log.ts';

const SNAPSHOT: LogPosition = { index: 10, term: 1, eid: eidOf(999) };

interface Append {
  /** How far the log is taken back before. */
  readonly back: number;
  readonly term: number;
  readonly hasData: boolean;
}

const appends = fc.array(
  fc.record({
    back: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(30) }),
    term: fc.integer({ min: 1, max: 9 }),
    hasData: fc.boolean(),
  }),
  { maxLength: 200 },
);

/** The same with a list that is cut and pushed to. */
function model(steps: readonly Append[]): LogPosition[] {
  const log = [SNAPSHOT];
  steps.forEach(({ back, term, hasData }, number) => {
    log.length = Math.max(1, log.length - back);
    const before = log.at(-1) ?? SNAPSHOT;
    log.push({ index: before.index + 1, term, eid: hasData ? eidOf(number) : before.eid });
  });
  return log;
}

test('a history answers for every index as a list does that is cut at each index written again', () => {
  fc.assert(
    fc.property(appends, (steps) => {
      const history = new LogHistoryBuilder();
      history.start(SNAPSHOT);
      steps.forEach(({ back, term, hasData }, number) => {
        const index = Math.max(SNAPSHOT.index, (history.lastIndex ?? 0) - back) + 1;
        history.append(index, term, hasData ? eidOf(number) : null);
      });
      const log = model(steps);
      assert.equal(history.lastIndex, log.at(-1)?.index);
      for (const position of log) {
        assert.deepEqual(history.positionAt(position.index), { state: 'known', position });
        assert.deepEqual(history.newestAtOrBefore(position.index), position);
      }
      assert.deepEqual(history.positionAt(SNAPSHOT.index - 1), { state: 'covered' });
      assert.deepEqual(history.positionAt(SNAPSHOT.index + log.length), { state: 'beyond' });
      assert.equal(history.newestAtOrBefore(SNAPSHOT.index - 1), null);
    }),
  );
});

test('without a snapshot the log starts at 1, and the commit index never goes back', () => {
  const history = new LogHistoryBuilder();
  assert.deepEqual(history.positionAt(1), { state: 'unknown' });
  history.start(null);
  assert.deepEqual(history.positionAt(0), { state: 'covered' });
  assert.deepEqual(history.positionAt(1), { state: 'beyond' });
  history.append(1, 1, eidOf(1));
  history.commit(1);
  history.commit(0);
  assert.equal(history.commitIndex, 1);
});

test('what may have been lost is unknown, and the newest that is known is a lower bound', () => {
  const history = new LogHistoryBuilder();
  history.start(SNAPSHOT);
  history.append(11, 2, eidOf(1));
  history.setEndLost(true);
  assert.deepEqual(history.positionAt(12), { state: 'unknown' });
  history.append(15, 2, eidOf(2));
  assert.deepEqual(history.positionAt(13), { state: 'unknown' });
  assert.equal(history.newestAtOrBefore(14)?.index, 11);
  assert.deepEqual(history.positionAt(16), { state: 'beyond' });
});

test('only so many entries are remembered: older ones are unknown, not wrong', () => {
  const history = new LogHistoryBuilder();
  history.start(SNAPSHOT);
  const last = SNAPSHOT.index + MAX_REMEMBERED_ENTRIES + 5;
  for (let index = SNAPSHOT.index + 1; index <= last; index++) history.append(index, 1, eidOf(index));
  assert.deepEqual(history.positionAt(SNAPSHOT.index + 5), { state: 'unknown' });
  for (const index of [SNAPSHOT.index + 6, last]) {
    assert.deepEqual(history.positionAt(index), {
      state: 'known',
      position: { index, term: 1, eid: eidOf(index) },
    });
  }
});

test('a log that jumps to and fro for ever is forgotten instead of taking the square of its size', () => {
  const history = new LogHistoryBuilder();
  history.start(null);
  history.append(1, 1, eidOf(1));
  for (let round = 0; round < 100_000; round++) {
    history.append(10_000_000, 1, eidOf(2));
    history.append(2, 1, eidOf(3));
  }
  assert.equal(history.lastIndex, 2);
  assert.deepEqual(history.positionAt(2), { state: 'unknown' });
});
