import type { LogPosition } from '../ovsdb/log-position.ts';
import { type HighWaterMark, type MarkStanding, type Standing, markKey } from './mark.ts';

/** All marks that one agent knows for one database, each held against that agent's own member. */
export type MarkBook = readonly MarkStanding[];

/** What a history can say of one index; implemented by the log reader. */
export interface History {
  /** Entries after it may still be overwritten by raft; null when nothing is known to be committed. */
  readonly commitIndex: number | null;
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
  return [...book, ...added];
}

/**
 * Holds every mark of `clusterId` against the member's own history.
 *
 * A mark below the snapshot can no longer be compared. What was proved before stays true only while the history is
 * the same one as before. That is known when whoever read the file saw it go on (`continues`: a compaction of the same
 * log), or shown by the member's own newest mark, which a continued history still contains (two logs that share an
 * entry share everything before it: raft's log matching). A history that arrived by a snapshot from another member
 * shows no such thing, so everything below it becomes `unknown`.
 */
export function holdAgainst(
  book: MarkBook,
  history: History,
  clusterId: string,
  own: HighWaterMark | null,
  continues = false,
): MarkBook {
  const ownNow = own === null ? null : compare(history, own);
  return book.map((entry) => {
    if (entry.mark.clusterId !== clusterId) return entry;
    const seen = compare(history, entry.mark);
    if (seen !== 'hidden' && seen !== 'covered') return { ...entry, standing: seen };
    // Damage hides the own mark together with the others; it does not make the history another one.
    const isContinued = continues || ownNow === 'contained' || (seen === 'hidden' && ownNow === 'hidden');
    return isContinued || isLasting(entry, own) ? entry : { ...entry, standing: 'unknown' };
  });
}

/** Is this a loss that no later snapshot makes good? */
function isLasting({ mark, standing }: MarkStanding, own: HighWaterMark | null): boolean {
  if (own === null) return false;
  return standing === 'contradicted' || (standing === 'beyond' && mark.serverId === own.serverId);
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
    (entry.standing === 'unknown' || entry.standing === 'beyond') && proved.has(markKey(entry.mark))
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

/**
 * Drops marks that a newer, equally contained mark of the same member makes superfluous, save those that a sibling
 * still looks for (keys in `wanted`): it can take the proof from nowhere else once its own log was compacted.
 */
export function prune(book: MarkBook, wanted: ReadonlySet<string> = new Set()): MarkBook {
  const newestContained = new Map<string, number>();
  for (const { mark, standing } of book) {
    if (standing !== 'contained') continue;
    newestContained.set(memberOf(mark), Math.max(mark.index, newestContained.get(memberOf(mark)) ?? 0));
  }
  const needed = book.filter(
    ({ mark, standing }) =>
      standing !== 'contained' ||
      mark.index >= (newestContained.get(memberOf(mark)) ?? 0) ||
      wanted.has(markKey(mark)),
  );
  return withinLimit(needed);
}

function memberOf({ clusterId, serverId }: HighWaterMark): string {
  return `${clusterId}/${serverId}`;
}

/** Keys of the marks that these siblings have not found in their own histories. */
export function wantedBy(siblings: readonly SiblingProof[]): ReadonlySet<string> {
  return new Set(
    siblings.flatMap(({ standings }) =>
      standings.filter(({ standing }) => standing !== 'contained').map(({ mark }) => markKey(mark)),
    ),
  );
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

function compare(history: History, mark: HighWaterMark): Exclude<Standing, 'unknown'> | 'covered' | 'hidden' {
  const found = history.positionAt(mark.index);
  if (found.state === 'unknown') return 'hidden';
  if (found.state !== 'known') return found.state;
  if (found.position.term === mark.term && found.position.eid === mark.eid) return 'contained';
  // Another entry that is not committed here contradicts nothing yet: raft overwrites the tail of a former leader.
  return mark.index <= (history.commitIndex ?? 0) ? 'contradicted' : 'beyond';
}

function keysWith(book: MarkBook, standing: Standing): Set<string> {
  return new Set(book.filter((entry) => entry.standing === standing).map(({ mark }) => markKey(mark)));
}
