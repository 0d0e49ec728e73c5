import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goesOn } from '../../src/ovsdb/log-continuity.ts';
import { LogHistoryBuilder } from '../../src/ovsdb/log-history.ts';
import { eidOf } from './small-log.ts';

/** Entries after the snapshot up to `last`, all committed; from `fork` on they are others. */
function history(snapshotIndex: number, last: number, fork = Infinity): LogHistoryBuilder {
  const eid = (index: number): string => eidOf(index < fork ? index : index + 1000);
  const built = new LogHistoryBuilder();
  built.start({ index: snapshotIndex, term: 1, eid: eid(snapshotIndex) });
  for (let index = snapshotIndex + 1; index <= last; index++) built.append(index, 1, eid(index));
  built.commit(last);
  return built;
}

for (const [what, after, wanted] of [
  ['grew', history(10, 30), true],
  ['did not change', history(10, 20), true],
  ['was compacted', history(20, 20), true],
  ['was compacted at an older entry and grew', history(15, 30), true],
  ['was compacted and lost its newest entries', history(15, 15), true],
  ['is an older copy', history(10, 15), true],
  ['is a snapshot that another member sent', history(25, 30), false],
  ['has other entries after the same snapshot', history(10, 30, 15), true],
  ['has a newer snapshot of other entries', history(16, 30, 15), false],
  ['is a copy from before the snapshot', history(5, 9), false],
  ['is a snapshot of another history', history(15, 30, 12), false],
] as const) {
  test(`a log that ${what} ${wanted ? 'shares' : 'may not share'} what lies below its snapshot`, () => {
    assert.equal(goesOn(history(10, 20), after), wanted);
  });
}

test('nothing goes on from nothing', () => {
  assert.equal(goesOn(new LogHistoryBuilder(), history(10, 20)), false);
  assert.equal(goesOn(history(10, 20), new LogHistoryBuilder()), false);
});
