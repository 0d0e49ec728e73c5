import type { LogPosition } from './log-position.ts';

export type HistoryAnswer =
  | { readonly state: 'known'; readonly position: LogPosition }
  /** `covered`: older than the snapshot. `beyond`: after the last entry. `unknown`: damaged, or too long ago. */
  | { readonly state: 'covered' | 'beyond' | 'unknown' };

/** What a file can say about each index of its log. */
export interface LogHistory {
  /** Where the log starts; null when the first record cannot be read or has no snapshot. */
  readonly snapshot: LogPosition | null;
  readonly lastIndex: number | null;
  readonly commitIndex: number | null;
  positionAt(index: number): HistoryAnswer;
  /** The newest known position that is not after `index`: a lower bound when the file is damaged. */
  newestAtOrBefore(index: number): LogPosition | null;
}

/** The newest entries that are remembered. Older ones are `unknown`. */
export const MAX_REMEMBERED_ENTRIES = 262_144;
const FIRST_CAPACITY = 1024;
/** A log that takes back more than this in all is no real one; remembering it could cost the square of its size. */
const MAX_TAKEN_BACK = 16 * MAX_REMEMBERED_ENTRIES;
const EID_BYTES = 16;
const EMPTY_SLOT = -1;

/** Collects the history while a log is read. An index that is written again replaces everything from there on. */
export class LogHistoryBuilder implements LogHistory {
  #snapshot: LogPosition | null = null;
  #startIndex: number | null = null;
  #lastIndex: number | null = null;
  #commitIndex: number | null = null;
  /** Are there entries after the last known one that cannot be read? */
  #hasLostEnd = false;
  /** Index of the first entry that was appended. */
  #firstAppended: number | null = null;
  #capacity = FIRST_CAPACITY;
  #slots = new Slots(FIRST_CAPACITY);
  #takenBack = 0;

  get snapshot(): LogPosition | null {
    return this.#snapshot;
  }

  get lastIndex(): number | null {
    return this.#lastIndex;
  }

  get commitIndex(): number | null {
    return this.#commitIndex;
  }

  /** @param snapshot null when the log starts at index 1. */
  start(snapshot: LogPosition | null): void {
    this.#snapshot = snapshot;
    this.#startIndex = snapshot?.index ?? 0;
    this.#lastIndex = this.#startIndex;
    if (snapshot !== null) this.#commitIndex = snapshot.index;
  }

  /** @param eid null when the entry carries no data: then the state of the database is that of the entry before. */
  append(index: number, term: number, eid: string | null): void {
    const effective = eid ?? this.#eidBefore(index);
    this.#forgetFrom(index);
    this.#lastIndex = index;
    if (this.#takenBack <= MAX_TAKEN_BACK) this.#remember(index, term, effective);
    this.#hasLostEnd = false;
  }

  commit(index: number): void {
    this.#commitIndex = Math.max(this.#commitIndex ?? 0, index);
  }

  /** Records that may have held entries could not be read. */
  lose(): void {
    this.#hasLostEnd = true;
  }

  positionAt(index: number): HistoryAnswer {
    if (index === this.#snapshot?.index) return { state: 'known', position: this.#snapshot };
    if (this.#startIndex !== null && index <= this.#startIndex) return { state: 'covered' };
    if (this.#lastIndex === null) return { state: 'unknown' };
    if (index > this.#lastIndex) return { state: this.#hasLostEnd ? 'unknown' : 'beyond' };
    const position = this.#slots.get(index);
    return position === null ? { state: 'unknown' } : { state: 'known', position };
  }

  newestAtOrBefore(index: number): LogPosition | null {
    const from = Math.min(index, this.#lastIndex ?? 0);
    const oldest = Math.max(0, from - this.#capacity);
    for (let at = from; at > oldest; at--) {
      const position = this.#slots.get(at);
      if (position !== null) return position;
    }
    return this.#snapshot !== null && this.#snapshot.index <= index ? this.#snapshot : null;
  }

  #eidBefore(index: number): string | null {
    const before = this.positionAt(index - 1);
    return before.state === 'known' ? before.position.eid : null;
  }

  #forgetFrom(index: number): void {
    const last = this.#lastIndex ?? 0;
    const count = Math.min(last - index + 1, this.#capacity);
    if (count <= 0 || this.#takenBack > MAX_TAKEN_BACK) return;
    this.#takenBack += count;
    if (this.#takenBack > MAX_TAKEN_BACK) this.#slots = new Slots(this.#capacity);
    else for (let at = last; at > last - count; at--) this.#slots.clear(at);
  }

  #remember(index: number, term: number, eid: string | null): void {
    this.#growFor(index);
    this.#slots.put(index, term, eid);
  }

  #growFor(index: number): void {
    this.#firstAppended ??= index;
    const length = index - this.#firstAppended + 1;
    while (length > this.#capacity && this.#capacity < MAX_REMEMBERED_ENTRIES) this.#grow();
  }

  #grow(): void {
    this.#capacity *= 2;
    const bigger = new Slots(this.#capacity);
    this.#slots.copyTo(bigger);
    this.#slots = bigger;
  }
}

/** Positions in a ring: index modulo capacity is the place. 33 bytes an entry. */
class Slots {
  readonly #capacity: number;
  readonly #indexes: Float64Array;
  readonly #terms: Float64Array;
  readonly #eids: Buffer;
  readonly #hasEid: Uint8Array;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#indexes = new Float64Array(capacity).fill(EMPTY_SLOT);
    this.#terms = new Float64Array(capacity);
    this.#eids = Buffer.alloc(capacity * EID_BYTES);
    this.#hasEid = new Uint8Array(capacity);
  }

  put(index: number, term: number, eid: string | null): void {
    const slot = index % this.#capacity;
    this.#indexes[slot] = index;
    this.#terms[slot] = term;
    this.#hasEid[slot] = eid === null ? 0 : 1;
    if (eid !== null) this.#eids.write(eid.replaceAll('-', ''), slot * EID_BYTES, EID_BYTES, 'hex');
  }

  get(index: number): LogPosition | null {
    const slot = index % this.#capacity;
    if (this.#indexes[slot] !== index || this.#hasEid[slot] !== 1) return null;
    const hex = this.#eids.toString('hex', slot * EID_BYTES, (slot + 1) * EID_BYTES);
    return { index, term: this.#terms[slot] ?? 0, eid: dashed(hex) };
  }

  clear(index: number): void {
    const slot = index % this.#capacity;
    if (this.#indexes[slot] === index) this.#indexes[slot] = EMPTY_SLOT;
  }

  copyTo(target: Slots): void {
    for (const index of this.#indexes) {
      if (index === EMPTY_SLOT) continue;
      const slot = index % this.#capacity;
      const position = this.get(index);
      target.put(index, this.#terms[slot] ?? 0, position?.eid ?? null);
    }
  }
}

function dashed(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
