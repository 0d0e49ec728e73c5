import { ACTION, FIRST_ACTION, GRAMMAR, IS_PLAIN, STATE, SYNTAX_ERROR } from './log-json-grammar.ts';
import { NameCache } from './log-json-names.ts';

/** One member of the outermost object. */
export interface ScannedMember {
  readonly type: 'string' | 'number' | 'object' | 'array' | 'word';
  /** Its JSON text; null when it was skipped because of its name or is longer than `MAX_MEMBER_BYTES`. */
  readonly text: string | null;
}

export type ScanResult =
  | { readonly ok: true; readonly members: ReadonlyMap<string, ScannedMember> }
  | { readonly ok: false; readonly reason: string };

/** Longest kept text of one member; longer ones are only checked for their syntax. */
export const MAX_MEMBER_BYTES = 256 * 1024;
const MAX_MEMBERS = 64;
const MAX_NAME_BYTES = 64;
/** Same as JSON_MAX_HEIGHT in OVS lib/json.c. */
const MAX_DEPTH = 1000;
/** Enough of a skipped member to know its type, and to keep `null` whole. */
const SKIPPED_BYTES = 64;
const IN_OBJECT = 1;
const IN_ARRAY = 2;
const NOTHING_OPEN = -1;
const SPACE = 0x20;
const COLON = 0x3a;

/**
 * Reads one JSON object that arrives in pieces of any size: checks the whole syntax and keeps only the members of the
 * outermost object, so that a snapshot of 60 MB costs no more memory than a vote.
 */
export class JsonObjectScanner {
  readonly #skip: ReadonlySet<string>;
  readonly #stack = new Uint8Array(MAX_DEPTH + 1);
  readonly #names = new NameCache();
  #members = new Map<string, ScannedMember>();
  #state = STATE.start;
  #depth = 0;
  #failure: string | null = null;
  #name = '';
  /** Start of the open key or value within the piece at hand. */
  #mark = NOTHING_OPEN;
  #limitBytes = 0;
  #carried: Buffer[] = [];
  #carriedBytes = 0;

  /** @param skip names of members whose text is not wanted. */
  constructor(skip: ReadonlySet<string>) {
    this.#skip = skip;
  }

  /** Forgets everything: the next piece begins a new object. */
  reset(): void {
    this.#members = new Map();
    this.#state = STATE.start;
    this.#depth = 0;
    this.#failure = null;
    this.#mark = NOTHING_OPEN;
    this.#dropCarried();
  }

  /** Takes the next piece: `bytes` from `start` up to, not including, `end`. It is not kept after the call. */
  feed(bytes: Buffer, start: number, end: number): void {
    if (this.#failure !== null) return;
    if (this.#mark !== NOTHING_OPEN) this.#mark = start;
    const inString = STATE.string;
    let state = this.#state;
    for (let at = start; at < end; at++) {
      // Not needed for the result: a loop that does not wait for the next state is three times as fast.
      if (state === inString) while (at < end - 1 && IS_PLAIN[bytes[at] ?? 0] === 1) at++;
      const next = GRAMMAR[(state << 8) | (bytes[at] ?? 0)] ?? SYNTAX_ERROR;
      if (next < FIRST_ACTION) {
        state = next;
        continue;
      }
      if (next === SYNTAX_ERROR) this.#failure = whyNot(state);
      else state = this.#act(next, bytes, at);
      if (this.#failure !== null) return;
    }
    this.#state = state;
    if (this.#mark !== NOTHING_OPEN) this.#carry(bytes, end);
  }

  /** The result, once the last piece was fed. */
  finish(): ScanResult {
    if (this.#failure === null && this.#state !== STATE.done) {
      this.#failure = `${whyNot(this.#state)}: it ends too early`;
    }
    return this.#failure === null
      ? { ok: true, members: this.#members }
      : { ok: false, reason: this.#failure };
  }

  #act(action: number, bytes: Buffer, at: number): number {
    switch (action) {
      case ACTION['open-object']:
        return this.#open(IN_OBJECT, STATE['key-or-end']);
      case ACTION['open-array']:
        return this.#open(IN_ARRAY, STATE['value-or-end']);
      case ACTION['close-object']:
        if (this.#depth === 1) this.#endMember(bytes, at);
        return this.#close(IN_OBJECT);
      case ACTION['close-array']:
        return this.#close(IN_ARRAY);
      case ACTION.comma:
        if (this.#stack[this.#depth] === IN_ARRAY) return STATE.value;
        if (this.#depth === 1) this.#endMember(bytes, at);
        return STATE.key;
      case ACTION['open-key']:
        if (this.#depth === 1) this.#begin(at + 1, MAX_NAME_BYTES);
        return STATE['key-string'];
      default: // close-key
        if (this.#depth === 1) this.#endName(bytes, at);
        return STATE.colon;
    }
  }

  #open(kind: number, state: number): number {
    if (this.#depth === MAX_DEPTH) return this.#fail(`is nested deeper than ${String(MAX_DEPTH)} levels`);
    this.#depth += 1;
    this.#stack[this.#depth] = kind;
    return state;
  }

  #close(kind: number): number {
    if (this.#stack[this.#depth] !== kind) return this.#fail('is not valid JSON: brackets do not match');
    this.#depth -= 1;
    return this.#depth === 0 ? STATE.done : STATE.after;
  }

  #fail(reason: string): number {
    this.#failure = reason;
    return STATE.done;
  }

  #begin(mark: number, limitBytes: number): void {
    this.#mark = mark;
    this.#limitBytes = limitBytes;
  }

  #endName(bytes: Buffer, at: number): void {
    const isShort = this.#carried.length === 0 && at - this.#mark <= MAX_NAME_BYTES;
    this.#name = isShort ? this.#names.nameOf(bytes, this.#mark, at) : this.#take(bytes, at).text;
    // The colon and spaces come along, and are cut off at the end of the value.
    this.#begin(at + 1, this.#skip.has(this.#name) ? SKIPPED_BYTES : MAX_MEMBER_BYTES);
  }

  #endMember(bytes: Buffer, at: number): void {
    if (this.#mark === NOTHING_OPEN) return;
    const isCarried = this.#carried.length > 0;
    if (!isCarried) this.#mark = skipColon(bytes, this.#mark, at);
    const { text, isWhole } = this.#take(bytes, at);
    const value = isCarried ? text.slice(text.indexOf(':') + 1).trim() : text.trimEnd();
    this.#members.set(this.#name, { type: typeOf(value), text: isWhole ? value : null });
    if (this.#members.size > MAX_MEMBERS) this.#fail(`has more than ${String(MAX_MEMBERS)} members`);
  }

  #take(bytes: Buffer, end: number): { text: string; isWhole: boolean } {
    const mark = this.#mark;
    if (this.#carried.length === 0) {
      this.#mark = NOTHING_OPEN;
      const text = bytes.toString('utf8', mark, Math.min(end, mark + this.#limitBytes));
      return { text, isWhole: end - mark <= this.#limitBytes };
    }
    this.#carry(bytes, end);
    this.#mark = NOTHING_OPEN;
    const isWhole = this.#carriedBytes <= this.#limitBytes;
    const text = Buffer.concat(this.#carried).toString('utf8');
    this.#dropCarried();
    return { text, isWhole };
  }

  #carry(bytes: Buffer, end: number): void {
    const room = this.#limitBytes - this.#carriedBytes;
    if (room > 0)
      this.#carried.push(Buffer.from(bytes.subarray(this.#mark, Math.min(end, this.#mark + room))));
    this.#carriedBytes += end - this.#mark;
  }

  #dropCarried(): void {
    if (this.#carried.length === 0) return;
    this.#carried = [];
    this.#carriedBytes = 0;
  }
}

function whyNot(state: number): string {
  return state === STATE.start ? 'is not a JSON object' : 'is not valid JSON';
}

/** Where the value begins: behind the colon and the spaces around it. */
function skipColon(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && ((bytes[at] ?? 0) <= SPACE || bytes[at] === COLON)) at++;
  return at;
}

function typeOf(text: string): ScannedMember['type'] {
  switch (text[0]) {
    case '"':
      return 'string';
    case '{':
      return 'object';
    case '[':
      return 'array';
    case 't':
    case 'f':
    case 'n':
      return 'word';
    default:
      return 'number';
  }
}
