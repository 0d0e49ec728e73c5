import type { LogHistory } from './log-history.ts';
import type { LogPosition } from './log-position.ts';

/**
 * Does what was known of entries that `after` no longer shows, because its snapshot covers them, still hold? Yes when
 * `after` has the newest committed entry of `before` (then it is the same log, longer or compacted), or when its snapshot
 * is a state that `before` went through. A snapshot that another member sent lies past the end of `before` and shows
 * nothing. Entries after the snapshot may differ all the same: they can be compared one by one.
 */
export function goesOn(before: LogHistory, after: LogHistory): boolean {
  const newest = before.commitIndex === null ? null : before.positionAt(before.commitIndex);
  if (newest?.state === 'known' && holds(after, newest.position)) return true;
  return after.snapshot !== null && holds(before, after.snapshot);
}

function holds(history: LogHistory, { index, term, eid }: LogPosition): boolean {
  const found = history.positionAt(index);
  return found.state === 'known' && found.position.term === term && found.position.eid === eid;
}
