import type { LogHistory } from './log-history.ts';
import type { LogPosition } from './log-position.ts';

/**
 * Is `after` the log that `before` was, gone on or shortened by a compaction? Either it still holds the newest
 * committed entry of `before`, or its snapshot is a state that `before` went through. A snapshot that another member
 * sent lies past the end of `before` and shows nothing.
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
