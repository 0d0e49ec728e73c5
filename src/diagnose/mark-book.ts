import type { LogPosition } from '../ovsdb/log-position.ts';
import { type HighWaterMark, type MarkStanding, type Standing, markKey } from './mark.ts';

/** All marks that one agent knows for one database, each held against that agent's own member. */
export type MarkBook = readonly MarkStanding[];

/** What a history can say of one index; implemented by the log reader. */
export interface History {
  positionAt(
    index: number,
  ):
    | { readonly state: 'known'; readonly position: LogPosition }
    | { readonly state: 'covered' | 'beyond' | 'unknown' };
}

/** Another agent's view of the same cluster, reduced to what proves something about marks. */
export interface SiblingProof {
  readonly ownMark: HighWaterMark | null;
  readonly standings: readonly MarkStanding[];
}

/** Marks kept for one database at most. Marks that are not contained are never dropped to make room. */
export const MAX_MARKS = 64;

/** Adds marks that are not known yet, as `unknown` until they are held against the history. */
export function addMarks(book: MarkBook, marks: readonly HighWaterMark[]): MarkBook {
  const known = new Set(book.map(({ mark }) => markKey(mark)));
  const added: MarkStanding[] = [];
  for (const mark of marks) {
    if (known.has(markKey(mark))) continue;
    known.add(markKey(mark));
    added.push({ mark, standing: 'unknown' });
  }
  return prune([...book, ...added]);
}

/**
 * Holds every mark of `clusterId` against the member's own history.
 *
 * A mark below the snapshot can no longer be compared. What was proved before stays true only while the history is
 * the same one as before; that is shown by the member's own newest mark, which a continued history still contains
 * (two logs that share an entry share everything before it: raft's log matching). A history that arrived by a
 * snapshot from another member shows no such thing, so everything below it becomes `unknown`.
 */
export function holdAgainst(
  book: MarkBook,
  history: History,
  clusterId: string,
  own: HighWaterMark | null,
): MarkBook {
  const continued = own !== null && standingIn(history, own) === 'contained';
  return book.map((entry) => {
    if (entry.mark.clusterId !== clusterId) return entry;
    const seen = standingIn(history, entry.mark);
    if (seen === 'hidden') return entry;
    if (seen === 'covered') return continued ? entry : { ...entry, standing: 'unknown' };
    return { ...entry, standing: seen };
  });
}

/**
 * Settles marks that no history shows any more by way of a sibling: a sibling whose own newest mark is in our history,
 * and whose history contains the mark in question, has the same past as we have.
 */
export function inferFromSiblings(book: MarkBook, siblings: readonly SiblingProof[]): MarkBook {
  const contained = keysWith(book, 'contained');
  const proved = new Set<string>();
  for (const sibling of siblings) {
    if (sibling.ownMark === null || !contained.has(markKey(sibling.ownMark))) continue;
    for (const { mark, standing } of sibling.standings) {
      if (standing === 'contained' && mark.index <= sibling.ownMark.index) proved.add(markKey(mark));
    }
  }
  return book.map((entry) =>
    entry.standing === 'unknown' && proved.has(markKey(entry.mark))
      ? { ...entry, standing: 'contained' }
      : entry,
  );
}

/** The newest mark of one server id, contained or not; null when none is known. */
export function newestMark(book: MarkBook, clusterId: string, serverId: string): HighWaterMark | null {
  let newest: HighWaterMark | null = null;
  for (const { mark } of book) {
    if (mark.clusterId !== clusterId || mark.serverId !== serverId) continue;
    if (newest === null || mark.index > newest.index) newest = mark;
  }
  return newest;
}

/** Drops marks that a newer, equally contained mark of the same member makes superfluous. */
export function prune(book: MarkBook): MarkBook {
  const newestContained = new Map<string, number>();
  for (const { mark, standing } of book) {
    if (standing !== 'contained') continue;
    const member = `${mark.clusterId}/${mark.serverId}`;
    newestContained.set(member, Math.max(mark.index, newestContained.get(member) ?? 0));
  }
  const needed = book.filter(
    ({ mark, standing }) =>
      standing !== 'contained' ||
      mark.index >= (newestContained.get(`${mark.clusterId}/${mark.serverId}`) ?? 0),
  );
  return withinLimit(needed);
}

function withinLimit(book: MarkBook): MarkBook {
  if (book.length <= MAX_MARKS) return book;
  const surplus = book
    .filter(({ standing }) => standing === 'contained')
    .toSorted((a, b) => a.mark.at.localeCompare(b.mark.at))
    .slice(0, book.length - MAX_MARKS);
  const dropped = new Set(surplus);
  return book.filter((entry) => !dropped.has(entry));
}

function standingIn(
  history: History,
  mark: HighWaterMark,
): Exclude<Standing, 'unknown'> | 'covered' | 'hidden' {
  const found = history.positionAt(mark.index);
  if (found.state === 'unknown') return 'hidden';
  if (found.state !== 'known') return found.state;
  const same = found.position.term === mark.term && found.position.eid === mark.eid;
  return same ? 'contained' : 'contradicted';
}

function keysWith(book: MarkBook, standing: Standing): Set<string> {
  return new Set(book.filter((entry) => entry.standing === standing).map(({ mark }) => markKey(mark)));
}
