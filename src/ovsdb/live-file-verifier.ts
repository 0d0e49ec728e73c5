import { type Clock, systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { KeyedMutex } from '../lib/keyed-mutex.ts';
import { type OpenFile, openFile } from './file-open.ts';
import type { FileIdentity, FileReport, Problem } from './file-report.ts';
import { goesOn } from './log-continuity.ts';
import type { LogHistory } from './log-history.ts';
import { LogWindow } from './log-window.ts';
import { readProblem } from './verify-file.ts';
import { type BadTail, VerifyPass } from './verify-pass.ts';
import { headProblem, reportOf, reportOfUnreadable, tailProblem } from './verify-report.ts';

export interface LiveFileOptions {
  readonly expected?: Partial<FileIdentity>;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

export interface LiveCheck {
  /** `incremental` reads what was added since the last check, where that can be proved; `full` reads everything. */
  readonly mode: 'incremental' | 'full';
  /** Read past the page cache where the filesystem can. */
  readonly direct?: boolean;
  /** Does a server have the file open, so that an unfinished record at the end may be one that is being written? */
  readonly writerAlive: boolean;
}

export interface LiveLook {
  readonly report: FileReport;
  /** A live view: the next check brings it up to date. */
  readonly history: LogHistory;
  /** False when nothing proves that this is the log that was read before, longer or shortened by a compaction. */
  readonly continues: boolean;
  /** `device:inode`, or `none` when the file could not be opened. */
  readonly inode: string;
  /** What was really done. */
  readonly mode: 'incremental' | 'full';
  readonly bytesRead: number;
  readonly pastPageCache: OpenFile['pastPageCache'];
  /** Bytes of an unfinished record at the end that the server may still be writing. Not a problem. */
  readonly pendingTailBytes: number;
}

/** What was verified of one inode. */
interface Verified {
  readonly inode: string;
  readonly pass: VerifyPass;
  /** The first bytes, and the header lines of the last entry and of the last record: all must still be there. */
  readonly proofs: readonly { readonly offset: number; readonly bytes: Buffer }[];
}

const HEAD_BYTES = 4096;
const TAIL_RETRIES = 3;
const TAIL_RETRY_MS = 20;

/**
 * Keeps verifying the file of a running server. A server only appends, or renames a rewritten file over the old one,
 * so most of the time only new bytes need to be read. A record that was found bad stays reported until a full
 * check or a new file clears it.
 */
export class LiveFileVerifier {
  readonly #path: string;
  readonly #expected: Partial<FileIdentity>;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #mutex = new KeyedMutex();
  #verified: Verified | null = null;
  /** The verified inode, kept open: what a server wrote into it before it renamed another over it can still be read. */
  #held: OpenFile | null = null;

  constructor(path: string, options: LiveFileOptions = {}) {
    this.#path = path;
    this.#expected = options.expected ?? {};
    this.#clock = options.clock ?? systemClock;
    this.#signal = options.signal;
  }

  /** Checks run one after the other. @throws WardenError `aborted` by the signal. */
  async check(options: LiveCheck): Promise<LiveLook> {
    return await this.#mutex.run('check', async () => await this.#check(options));
  }

  async #check(options: LiveCheck): Promise<LiveLook> {
    let file: OpenFile;
    try {
      file = await openFile(this.#path, { direct: options.direct ?? false });
    } catch (error) {
      this.#verified = null;
      return lookAtNothing(reportOfUnreadable(this.#path, messageOf(error)));
    }
    try {
      return await this.#read(file, options);
    } finally {
      await file.close();
    }
  }

  async #read(file: OpenFile, options: LiveCheck): Promise<LiveLook> {
    const former = await this.#drainFormer(file);
    const known = options.mode === 'incremental' ? await this.#stillValid(file) : null;
    const pass = known ?? new VerifyPass();
    this.#verified = null;
    const reading: Reading = { bytesRead: 0, sizeBytes: file.sizeBytes, pendingTailBytes: 0 };
    const extra = await this.#run(pass, file, options.writerAlive, reading);
    if (extra.length === 0)
      this.#verified = { inode: file.inode, pass, proofs: await takeProofs(file, pass) };
    await this.#hold(file);
    return {
      report: reportOf(this.#path, reading.sizeBytes, pass, this.#expected, extra),
      history: pass.history,
      continues: known !== null || (former !== null && goesOn(former, pass.history)),
      inode: file.inode,
      mode: known === null ? 'full' : 'incremental',
      bytesRead: reading.bytesRead,
      pastPageCache: file.pastPageCache,
      pendingTailBytes: reading.pendingTailBytes,
    };
  }

  /** What was known before this look, to its end, although another file may lie at the path by now. */
  async #drainFormer(file: OpenFile): Promise<LogHistory | null> {
    const verified = this.#verified;
    if (verified === null) return null;
    const held = file.inode === verified.inode ? null : this.#held;
    // A server that dropped a part of the old file and wrote on in it has made another history of it.
    if (held !== null && (await this.#stillValid(held)) !== null) {
      await this.#run(verified.pass, held, false, { bytesRead: 0, sizeBytes: 0, pendingTailBytes: 0 });
    }
    return verified.pass.history;
  }

  async #hold(file: OpenFile): Promise<void> {
    if (this.#held?.inode === file.inode) return;
    await this.close();
    const held = await openFile(this.#path, { direct: false }).catch(() => null);
    if (held?.inode === file.inode) this.#held = held;
    else await held?.close();
  }

  /** Lets go of the file. The next check starts anew. */
  async close(): Promise<void> {
    const held = this.#held;
    this.#held = null;
    await held?.close();
  }

  /** Reads to the end, a few times while a record is being written. */
  async #run(
    pass: VerifyPass,
    file: OpenFile,
    writerAlive: boolean,
    reading: Reading,
  ): Promise<readonly Problem[]> {
    let tail: BadTail | null = null;
    for (let attempt = 0; attempt <= TAIL_RETRIES; attempt++) {
      if (attempt > 0) await this.#clock.sleep(TAIL_RETRY_MS, this.#signal);
      const window = new LogWindow(file.source, await file.currentSizeBytes(), this.#signal);
      try {
        const problem = pass.offset === 0 ? await headProblem(window) : null;
        if (problem !== null) return [problem];
        tail = await pass.run(window);
      } catch (error) {
        return [readProblem(pass, error)];
      } finally {
        reading.bytesRead += window.bytesRead;
        reading.sizeBytes = window.sizeBytes;
      }
      if (tail === null) return [];
      if (!writerAlive) break;
    }
    if (tail === null) return [];
    if (writerAlive && isPending(tail)) reading.pendingTailBytes = reading.sizeBytes - tail.offset;
    else pass.noteTail(tailProblem(tail, pass.ordinal));
    return [];
  }

  async #stillValid(file: OpenFile): Promise<VerifyPass | null> {
    const verified = this.#verified;
    if (verified?.inode !== file.inode) return null;
    if ((await file.currentSizeBytes()) < verified.pass.offset) return null;
    for (const { offset, bytes } of verified.proofs) {
      if (!(await readAt(file, offset, bytes.length)).equals(bytes)) return null;
    }
    return verified.pass;
  }
}

interface Reading {
  bytesRead: number;
  sizeBytes: number;
  pendingTailBytes: number;
}

function isPending(tail: BadTail): boolean {
  return tail.offset > 0 && (tail.reason === 'begun' || tail.reason === 'incomplete');
}

async function takeProofs(file: OpenFile, pass: VerifyPass): Promise<Verified['proofs']> {
  const places = [{ offset: 0, length: Math.min(HEAD_BYTES, pass.offset) }];
  for (const frame of [pass.lastEntryFrame, pass.lastFrame]) {
    if (frame !== null) places.push({ offset: frame.offset, length: frame.bodyOffset - frame.offset });
  }
  const proofs: { offset: number; bytes: Buffer }[] = [];
  for (const { offset, length } of places) proofs.push({ offset, bytes: await readAt(file, offset, length) });
  return proofs;
}

async function readAt(file: OpenFile, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let got = 0;
  while (got < length) {
    const more = await file.source.read(bytes.subarray(got), offset + got);
    if (more === 0) break;
    got += more;
  }
  return bytes.subarray(0, got);
}

function lookAtNothing(report: FileReport): LiveLook {
  const { history } = new VerifyPass();
  return {
    ...{ report, history, continues: false, inode: 'none', mode: 'full' },
    ...{ bytesRead: 0, pastPageCache: 'no', pendingTailBytes: 0 },
  };
}
