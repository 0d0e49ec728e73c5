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
/** A log that takes back more than this in all is no real one; remembering it could cost the square of its size. */
const MAX_TAKEN_BACK = 16 * MAX_REMEMBERED_ENTRIES;
const EID_BYTES = 16;
const [DASH, DIGIT_0, LOWER_A] = [0x2d, 0x30, 0x61];

/** Collects the history while a log is read. An index that is written again replaces everything from there on. */
export class LogHistoryBuilder implements LogHistory {
  #snapshot: LogPosition | null = null;
  #startIndex: number | null = null;
  #lastIndex: number | null = null;
  #commitIndex: number | null = null;
  /** Are there entries after the last known one that cannot be read? */
  #hasLostEnd = false;
  #slots: Slots | null = null;
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

  /** Were there records after the last entry that may have held more and could not be read? */
  setEndLost(isLost: boolean): void {
    this.#hasLostEnd = isLost;
  }

  positionAt(index: number): HistoryAnswer {
    if (index === this.#snapshot?.index) return { state: 'known', position: this.#snapshot };
    if (this.#startIndex !== null && index <= this.#startIndex) return { state: 'covered' };
    if (this.#lastIndex === null) return { state: 'unknown' };
    if (index > this.#lastIndex) return { state: this.#hasLostEnd ? 'unknown' : 'beyond' };
    const position = this.#slots?.get(index) ?? null;
    return position === null ? { state: 'unknown' } : { state: 'known', position };
  }

  newestAtOrBefore(index: number): LogPosition | null {
    const from = Math.min(index, this.#lastIndex ?? 0);
    const oldest = Math.max(0, from - MAX_REMEMBERED_ENTRIES);
    for (let at = from; at > oldest; at--) {
      const position = this.#slots?.get(at) ?? null;
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
    const count = Math.min(last - index + 1, MAX_REMEMBERED_ENTRIES);
    if (count <= 0 || this.#takenBack > MAX_TAKEN_BACK) return;
    this.#takenBack += count;
    if (this.#takenBack > MAX_TAKEN_BACK) this.#slots = null;
    else for (let at = last; at > last - count; at--) this.#slots?.clear(at);
  }

  #remember(index: number, term: number, eid: string | null): void {
    this.#slots ??= new Slots();
    this.#slots.put(index, term, eid);
  }
}

/**
 * Positions in a ring: index modulo its size is the place. 33 bytes an entry, of which the kernel gives out only what
 * is written to. Index 0, which no entry has, marks an empty place.
 */
class Slots {
  readonly #indexes = new Float64Array(MAX_REMEMBERED_ENTRIES);
  readonly #terms = new Float64Array(MAX_REMEMBERED_ENTRIES);
  readonly #eids = Buffer.alloc(MAX_REMEMBERED_ENTRIES * EID_BYTES);
  readonly #hasEid = new Uint8Array(MAX_REMEMBERED_ENTRIES);

  put(index: number, term: number, eid: string | null): void {
    const slot = index % MAX_REMEMBERED_ENTRIES;
    this.#indexes[slot] = index;
    this.#terms[slot] = term;
    this.#hasEid[slot] = eid === null ? 0 : 1;
    if (eid !== null) writeUuid(eid, this.#eids, slot * EID_BYTES);
  }

  get(index: number): LogPosition | null {
    const slot = index % MAX_REMEMBERED_ENTRIES;
    if (this.#indexes[slot] !== index || this.#hasEid[slot] !== 1) return null;
    const hex = this.#eids.toString('hex', slot * EID_BYTES, (slot + 1) * EID_BYTES);
    return { index, term: this.#terms[slot] ?? 0, eid: dashed(hex) };
  }

  clear(index: number): void {
    const slot = index % MAX_REMEMBERED_ENTRIES;
    if (this.#indexes[slot] !== index) return;
    this.#indexes[slot] = 0;
    this.#hasEid[slot] = 0;
  }
}

/** Writes the 16 bytes of a UUID; `Buffer.write` would want a copy of the string without dashes. */
function writeUuid(uuid: string, target: Buffer, at: number): void {
  let to = at;
  for (let from = 0; from < uuid.length; from += 2) {
    if (uuid.charCodeAt(from) === DASH) from++;
    target[to] = (hexValue(uuid.charCodeAt(from)) << 4) | hexValue(uuid.charCodeAt(from + 1));
    to++;
  }
}

function hexValue(char: number): number {
  return char < LOWER_A ? char - DIGIT_0 : char - LOWER_A + 10;
}

function dashed(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
