import { type FileIdentity, MAX_PROBLEMS, type Problem, type ProblemKind } from './file-report.ts';
import type { Frame } from './log-frame.ts';
import { type BadFrame, type FrameSink, readFrames } from './log-frames.ts';
import { LogHistoryBuilder } from './log-history.ts';
import { JsonObjectScanner } from './log-json-scanner.ts';
import {
  type RaftState,
  UNKNOWN_STATE,
  afterDamage,
  applyRecord,
  initialState,
  isMember,
} from './log-raft-state.ts';
import {
  type LogHeader,
  type LogRecord,
  SKIPPED_MEMBERS,
  parseHeaderRecord,
  parseRecord,
} from './log-record.ts';
import { WorkBudget, findNextRecord } from './log-resync.ts';
import type { LogWindow } from './log-window.ts';

/** A bad end of the file: nothing valid follows it. */
export interface BadTail {
  readonly reason: BadFrame['reason'];
  readonly offset: number;
  readonly detail: string;
}

/** A file with more damaged places than this is not worth a closer look. */
const MAX_DAMAGED_PLACES = 10_000;
const MAX_DETAIL_CHARS = 500;

/**
 * One pass over a clustered file, which can go on when the file has grown: what was read stays as it is.
 * Bad places are stepped over, so that what follows them still counts.
 */
export class VerifyPass implements FrameSink {
  readonly history = new LogHistoryBuilder();
  readonly #scanner = new JsonObjectScanner(SKIPPED_MEMBERS);
  readonly #problems: Problem[] = [];
  #header: LogHeader | null = null;
  #state: RaftState = UNKNOWN_STATE;
  #ordinal = 0;
  #records = 0;
  #offset = 0;
  #searchedTo = 0;
  #damagedPlaces = 0;
  #lastFrame: Frame | null = null;
  #lastEntryFrame: Frame | null = null;
  #tailProblem: Problem | null = null;

  get problems(): readonly Problem[] {
    return this.#tailProblem === null ? this.#problems : [...this.#problems, this.#tailProblem];
  }

  get header(): LogHeader | null {
    return this.#header;
  }

  get identity(): FileIdentity {
    const header = this.#header;
    return {
      database: header?.name ?? null,
      clusterId: header?.clusterId ?? null,
      serverId: header?.serverId ?? null,
      address: header?.address ?? null,
    };
  }

  /** Whole records with the right checksum. */
  get records(): number {
    return this.#records;
  }

  /** Number of the next record, counting each damaged place as one. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /** Highest term seen, the snapshot's included; 0 when none. */
  get term(): number {
    return Math.max(this.#state.term, this.#header?.base?.snapshot?.term ?? 0);
  }

  /** Up to here every byte is accounted for. */
  get offset(): number {
    return this.#offset;
  }

  /** The last whole record. */
  get lastFrame(): Frame | null {
    return this.#lastFrame;
  }

  /** The last whole record that is an entry: it names its place in history, which a record of a commit does not. */
  get lastEntryFrame(): Frame | null {
    return this.#lastEntryFrame;
  }

  /** False when the last list of servers is known and lacks the member itself. */
  get isMember(): boolean | null {
    const base = this.#header?.base ?? null;
    return base === null ? null : isMember(this.#state);
  }

  /**
   * Reads on from where the last call stopped, to the end of the window's file.
   * @returns the bad end, or null when the file ends with a whole record.
   */
  async run(window: LogWindow): Promise<BadTail | null> {
    this.#forgetTail();
    const budget = new WorkBudget(window.sizeBytes);
    for (;;) {
      const stop = await readFrames(window, this.#offset, this);
      if (stop.reason === 'end') return null;
      const canAfford = stop.wastedBytes === 0 || budget.spend(stop.wastedBytes);
      const from = Math.max(stop.offset + 1, this.#searchedTo);
      const next =
        canAfford && this.#damagedPlaces < MAX_DAMAGED_PLACES
          ? await findNextRecord(window, from, budget)
          : ({ state: 'gave-up' } as const);
      if (next.state === 'found') {
        this.#stepOver(stop, next.offset);
        continue;
      }
      if (next.state === 'none') {
        this.#searchedTo = next.resumeAt;
        return { reason: stop.reason, offset: stop.offset, detail: shorten(stop.detail) };
      }
      this.#stepOver(stop, window.sizeBytes, ', and the search for valid records after it was given up');
      return null;
    }
  }

  begin(): void {
    this.#scanner.reset();
  }

  body(bytes: Buffer, start: number, end: number): void {
    this.#scanner.feed(bytes, start, end);
  }

  end(frame: Frame): void {
    const scan = this.#scanner.finish();
    const parsed = !scan.ok
      ? scan
      : frame.offset === 0
        ? this.#takeHeader(parseHeaderRecord(scan.members))
        : this.#takeRecord(parseRecord(scan.members), frame);
    if (!parsed.ok) this.#refuse(frame, parsed.reason);
    this.#records += 1;
    this.#ordinal += 1;
    this.#offset = frame.bodyOffset + frame.bodyBytes;
    this.#lastFrame = frame;
  }

  /** Names the bad end that the last run found; the next run looks at it again. It may have held entries. */
  noteTail(problem: Problem): void {
    this.#tailProblem = problem;
    this.history.setEndLost(true);
  }

  /** Keeps a problem, once for each place. */
  note(problem: Problem): void {
    const place = this.#problems.findIndex(
      (known) => known.offset === problem.offset && isFrameProblem(known.kind),
    );
    if (place >= 0 && isFrameProblem(problem.kind)) this.#problems[place] = problem;
    else if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem);
  }

  #forgetTail(): void {
    if (this.#tailProblem === null) return;
    this.#tailProblem = null;
    this.history.setEndLost(this.#state.nextIndex === null);
  }

  #takeHeader(parsed: ReturnType<typeof parseHeaderRecord>): typeof parsed {
    if (!parsed.ok) return parsed;
    this.#header = parsed.value;
    this.#state = initialState(parsed.value);
    if (parsed.value.base !== null) this.history.start(parsed.value.base.snapshot);
    return parsed;
  }

  #takeRecord(parsed: ReturnType<typeof parseRecord>, frame: Frame): typeof parsed {
    // A server does not read the records of a file that has not joined (`raft_open` in OVS `ovsdb/raft.c`).
    const isJoining = this.#header !== null && this.#header.base === null;
    if (parsed.ok && !isJoining) this.#apply(parsed.value, frame);
    return parsed;
  }

  #apply(record: LogRecord, frame: Frame): void {
    const { state, violation } = applyRecord(this.#state, record);
    this.#state = state;
    const sameEntry = violation?.kind === 'truncates-committed' && this.#hasEntry(record);
    if (violation !== null) {
      const problem = { ...violation, record: this.#ordinal, offset: frame.offset };
      this.note(violation.kind === 'truncates-committed' ? { ...problem, sameEntry } : problem);
    }
    if (record.type === 'entry' && !sameEntry) this.history.append(record.index, record.term, record.eid);
    if (record.type === 'entry') this.#lastEntryFrame = frame;
    if (record.type === 'commit') this.history.commit(record.commitIndex);
    this.history.setEndLost(state.nextIndex === null);
  }

  #hasEntry(record: LogRecord): boolean {
    if (record.type !== 'entry') return false;
    const answer = this.history.positionAt(record.index);
    return (
      answer.state === 'known' && answer.position.term === record.term && answer.position.eid === record.eid
    );
  }

  #refuse(frame: Frame, reason: string): void {
    const kind: ProblemKind = frame.offset === 0 ? 'broken-first-record' : 'invalid-record';
    this.note({ kind, record: this.#ordinal, offset: frame.offset, detail: shorten(reason) });
    this.#lose();
  }

  #stepOver(bad: BadFrame, next: number, addition = ''): void {
    const kind: ProblemKind = bad.offset === 0 ? 'broken-first-record' : 'damaged-record';
    const lost = `${String(next - bad.offset)} bytes cannot be read as records`;
    const detail = shorten(`${bad.detail}; ${lost}${addition}`);
    this.note({ kind, record: this.#ordinal, offset: bad.offset, detail });
    this.#lose();
    this.#damagedPlaces += 1;
    this.#ordinal += 1;
    this.#offset = next;
  }

  #lose(): void {
    this.#state = afterDamage(this.#state);
    this.history.setEndLost(true);
  }
}

function isFrameProblem(kind: ProblemKind): boolean {
  return kind === 'torn-tail' || kind === 'damaged-record' || kind === 'broken-first-record';
}

function shorten(text: string): string {
  return text.length <= MAX_DETAIL_CHARS ? text : `${text.slice(0, MAX_DETAIL_CHARS)}…`;
}
