import {
  type History,
  type MarkBook,
  addMarks,
  holdAgainst,
  inferFromSiblings,
  newestMark,
  prune,
  wantedBy,
} from '../../src/diagnose/mark-book.ts';
import { type HighWaterMark, markKey } from '../../src/diagnose/mark.ts';
import type { LogPosition } from '../../src/ovsdb/log-position.ts';
import { CLUSTER_ID, markOf, positionOf } from '../support/evidence.ts';

/**
 * A play of raft logs in memory: each member has a whole past, of which its file shows only what comes after the
 * snapshot; each has an agent with a book of marks, which does what `MemberWatch` does at a look and at an exchange.
 */
export class PlayMember {
  readonly number: number;
  /** Every entry ever, by index - 1; what the file shows starts at `snapshot`. */
  past: LogPosition[] = [];
  commit = 0;
  snapshot = 0;
  book: MarkBook = [];
  #wanted: ReadonlySet<string> = new Set();

  constructor(number: number) {
    this.number = number;
  }

  get history(): History {
    return {
      commitIndex: this.commit,
      positionAt: (index) => {
        const position = this.past[index - 1];
        if (index > this.past.length) return { state: 'beyond' };
        if (index < this.snapshot || index < 1 || position === undefined) return { state: 'covered' };
        return { state: 'known', position };
      },
    };
  }

  append(count: number, term: number, line: number): void {
    for (let added = 0; added < count; added += 1)
      this.past.push(positionOf(this.past.length + 1, term, line));
  }

  cutAfter(index: number): void {
    this.past = this.past.slice(0, index);
    this.commit = Math.min(this.commit, index);
  }

  compact(): void {
    this.snapshot = Math.max(this.snapshot, this.commit);
  }

  /** Raft's replication: entries where they fit, else the leader's snapshot and what follows it. */
  follow(leader: PlayMember): void {
    const shared = this.past.findIndex((own, at) => !isSame(own, leader.past[at]));
    const agreed = shared === -1 ? Math.min(this.past.length, leader.past.length) : shared;
    if (agreed < leader.snapshot) this.snapshot = leader.snapshot;
    this.past = [...leader.past];
    this.commit = leader.commit;
  }

  look(): void {
    const own = newestMark(this.book, CLUSTER_ID, markOf(this.number, positionOf(1)).serverId);
    let book = holdAgainst(this.book, this.history, CLUSTER_ID, own);
    const found = this.history.positionAt(this.commit);
    if (found.state === 'known') {
      const mark = markOf(this.number, found.position);
      book = holdAgainst(addMarks(book, [mark]), this.history, CLUSTER_ID, mark);
    }
    this.book = prune(book, this.#wanted);
  }

  learnFrom(siblings: readonly PlayMember[]): void {
    const proofs = siblings.map((sibling) => ({ ownMark: sibling.ownMark, standings: sibling.book }));
    this.#wanted = wantedBy(proofs);
    this.book = addMarks(
      this.book,
      proofs.flatMap(({ standings }) => standings.map(({ mark }) => mark)),
    );
    this.look();
    this.book = inferFromSiblings(this.book, proofs);
  }

  get ownMark(): HighWaterMark | null {
    const contained = this.book.filter(({ standing }) => standing === 'contained');
    return newestMark(contained, CLUSTER_ID, markOf(this.number, positionOf(1)).serverId);
  }

  /** Marks that the book calls contained although the whole past says otherwise. */
  lies(): MarkBook {
    return this.book.filter(
      ({ mark, standing }) => standing === 'contained' && !isSame(mark, this.past[mark.index - 1]),
    );
  }

  standingOf(mark: HighWaterMark): string {
    return this.book.find((entry) => markKey(entry.mark) === markKey(mark))?.standing ?? 'not there';
  }
}

function isSame(a: LogPosition, b: LogPosition | undefined): boolean {
  return a.index === b?.index && a.term === b.term && a.eid === b.eid;
}

/** Everyone looks, then everyone takes in what the others had to say before any of them did. */
export function exchange(members: readonly PlayMember[]): void {
  for (const member of members) member.look();
  for (const member of members) member.learnFrom(members.filter((other) => other !== member));
}
