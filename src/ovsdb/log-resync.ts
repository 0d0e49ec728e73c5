import { createHash, hash } from 'node:crypto';
import { CLUSTER_MAGIC, type FrameHeader, MAX_HEADER_BYTES, parseFrameHeader } from './log-frame.ts';
import type { LogWindow } from './log-window.ts';

/**
 * How much may be read and hashed in vain for one pass over a file. Without such a bound a file full of header lines
 * that announce long bodies would cost the square of its size.
 */
export class WorkBudget {
  #leftBytes: number;

  constructor(sizeBytes: number) {
    this.#leftBytes = Math.max(MIN_BUDGET_BYTES, sizeBytes);
  }

  /** Spends bytes; false when nothing is left. */
  spend(bytes: number): boolean {
    this.#leftBytes -= bytes;
    return this.#leftBytes > 0;
  }
}

export type Resync =
  | { readonly state: 'found'; readonly offset: number }
  /** Nothing valid follows. A later search in a file that has grown may begin at `resumeAt`. */
  | { readonly state: 'none'; readonly resumeAt: number }
  | { readonly state: 'gave-up' };

const MIN_BUDGET_BYTES = 256 * 1024 * 1024;
/** What a look at a far place costs, in bytes of budget: a system call takes about as long as hashing this much. */
const PEEK_COST_BYTES = 16 * 1024;
const PIECE_BYTES = 256 * 1024;

/** Finds the first record at or after `from` that is whole and has the right checksum. */
export async function findNextRecord(window: LogWindow, from: number, budget: WorkBudget): Promise<Resync> {
  let at = from;
  let resumeAt: number | null = null;
  for (;;) {
    if (!window.holds(at, MAX_HEADER_BYTES + 1)) await window.load(at);
    const candidate = nextCandidate(window, at);
    if (candidate.header === null) {
      at = candidate.offset;
      if (window.start + window.heldBytes >= window.sizeBytes)
        return { state: 'none', resumeAt: resumeAt ?? at };
      await window.load(at);
      continue;
    }
    const { offset, header } = candidate;
    const verdict = await judge(window, offset, header, budget);
    if (verdict === 'valid') return { state: 'found', offset };
    if (verdict === 'too-much') return { state: 'gave-up' };
    if (verdict === 'incomplete') resumeAt ??= offset;
    at = offset + 1;
  }
}

/** The next header line in the window, or where to go on when it holds none. */
function nextCandidate(window: LogWindow, from: number): { offset: number; header: FrameHeader | null } {
  const held = window.bytes.subarray(0, window.heldBytes);
  const isEnd = window.start + window.heldBytes >= window.sizeBytes;
  // A header line may hang over the end of the window, so that stretch is looked at again after the next load.
  const lastStart = isEnd ? window.heldBytes : window.heldBytes - MAX_HEADER_BYTES - 1;
  let at = from - window.start;
  for (;;) {
    at = held.indexOf(CLUSTER_MAGIC, at);
    if (at < 0 || at > lastStart) break;
    const header = parseFrameHeader(held, at, held.length);
    if (header !== null && held[at + header.headerBytes] === OPENING_BRACE) {
      return { offset: window.start + at, header };
    }
    at += 1;
  }
  const seen = isEnd ? Math.max(from - window.start, window.heldBytes - MAX_HEADER_BYTES) : lastStart;
  return { offset: window.start + Math.max(seen, from - window.start), header: null };
}

const OPENING_BRACE = 0x7b;
const ENDING = Buffer.from('}\n');

async function judge(
  window: LogWindow,
  offset: number,
  header: FrameHeader,
  budget: WorkBudget,
): Promise<'valid' | 'invalid' | 'incomplete' | 'too-much'> {
  const bodyOffset = offset + header.headerBytes;
  const end = bodyOffset + header.bodyBytes;
  if (end > window.sizeBytes) return 'incomplete';
  if (window.holds(bodyOffset, header.bodyBytes)) {
    const body = window.bytes.subarray(bodyOffset - window.start, end - window.start);
    if (!ENDING.equals(body.subarray(-ENDING.length))) return 'invalid';
    if (hash('sha1', body, 'hex') === header.sha1) return 'valid';
    return budget.spend(header.bodyBytes) ? 'invalid' : 'too-much';
  }
  const ending = Buffer.alloc(ENDING.length);
  await window.peek(ending, end - ENDING.length);
  if (!ending.equals(ENDING)) return budget.spend(PEEK_COST_BYTES) ? 'invalid' : 'too-much';
  if ((await sha1Of(window, bodyOffset, header.bodyBytes)) === header.sha1) return 'valid';
  return budget.spend(header.bodyBytes) ? 'invalid' : 'too-much';
}

async function sha1Of(window: LogWindow, offset: number, sizeBytes: number): Promise<string> {
  const sum = createHash('sha1');
  const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, sizeBytes));
  for (let done = 0; done < sizeBytes; ) {
    const got = await window.peek(piece.subarray(0, Math.min(piece.length, sizeBytes - done)), offset + done);
    if (got === 0) break;
    sum.update(piece.subarray(0, got));
    done += got;
  }
  return sum.digest('hex');
}
