import type { FileEvidence, MemberEvidence, RecentFinding, ServerEvidence } from '../diagnose/evidence.ts';
import { EVIDENCE_LIMITS } from '../diagnose/evidence-schema.ts';
import { type HighWaterMark, type MarkStanding, markKey } from '../diagnose/mark.ts';
import {
  type History,
  type MarkBook,
  type SiblingProof,
  addMarks,
  holdAgainst,
  inferFromSiblings,
  newestMark,
  prune,
  wantedBy,
} from '../diagnose/mark-book.ts';
import { type Clock, isoTime } from '../lib/clock.ts';
import { KeyedMutex } from '../lib/keyed-mutex.ts';
import type { Database } from '../ovsdb/database.ts';
import type { FileReport, Problem } from '../ovsdb/file-report.ts';
import type { MarkStore } from './mark-store.ts';
import { type Rot, confirmationDue, nextRot, rotEvidence } from './rot.ts';

/** One look at the live file, as the incremental verifier gives it. */
export interface FileLook {
  readonly report: FileReport;
  readonly history: History;
  /** False when nothing proves that this is the log that was read before, longer or shortened by a compaction. */
  readonly continues: boolean;
  /** `device:inode`. */
  readonly inode: string;
  readonly bytesRead: number;
  readonly pastPageCache: FileEvidence['pastPageCache'];
}

export interface MemberWatchPort {
  probe(): Promise<ServerEvidence>;
  /** `incremental` reads what is new, `full` everything, past the page cache where possible. */
  readFile(mode: 'incremental' | 'full', writerAlive: boolean): Promise<FileLook>;
  /** Copies the file and its companions aside, verified; the SHA-256 of the database file's copy. */
  preserve(reason: string): Promise<string>;
  /** What `ovsdb-tool check-cluster` says of a preserved copy, given the version of the running server. */
  checkCopy(sha256: string, serverVersion: string): Promise<Rot['checkCluster']>;
  recentFindings(): readonly RecentFinding[];
}

export interface MemberWatchEvents {
  /** A full read found damage that was not known before. */
  corruption(problem: Problem, inode: string): void;
  cleared(inode: string): void;
  read(mode: 'incremental' | 'full', bytesRead: number, pastPageCache: FileEvidence['pastPageCache']): void;
  /** Something that must work did not; the watch goes on without it. */
  trouble(what: string, error: unknown): void;
}

export interface MemberWatchOptions {
  readonly node: string;
  readonly database: Database;
  readonly fullIntervalMs: number;
  readonly confirmAfterMs: number;
  readonly port: MemberWatchPort;
  readonly events: MemberWatchEvents;
  readonly marks: MarkStore;
  readonly clock: Clock;
}

/** Watches one member of one database: its server, its file, and the marks that both have left. */
export class MemberWatch {
  readonly #options: MemberWatchOptions;
  readonly #mutex = new KeyedMutex();
  #book: MarkBook = [];
  /** Marks that siblings have not found yet; kept for them although they are superfluous here. */
  #wanted: ReadonlySet<string> = new Set();
  #history: History | null = null;
  /** Did every look since the marks were last held against the history show the same log going on? */
  #continues = true;
  #server: ServerEvidence = { state: 'silent', detail: 'not looked at yet' };
  /** The last word that was not silence; null before the first. */
  #heard: ServerEvidence | null = null;
  /** Why a copy is owed; null when the file as it was at the last start or end of a server is safe. */
  #preserveFor: string | null = null;
  #file: FileEvidence | null = null;
  #rot: Rot | null = null;
  #lastFullMonotonicMs: number | null = null;
  #takenAtMs = 0;
  #published: MemberEvidence | null = null;
  /** When the last whole look began, on the monotonic clock. */
  #lookedAtMs: number | null = null;

  constructor(options: MemberWatchOptions) {
    this.#options = options;
  }

  /** Reads the stored marks; to be called once, before the first look. */
  async start(): Promise<void> {
    const { marks, events } = this.#options;
    this.#book = await marks.load((error) => {
      events.trouble('marks', error);
    });
  }

  /** Probes the server, reads the file, brings the marks up to date, and answers with the evidence. */
  async look(read: 'when-due' | 'full' = 'when-due'): Promise<MemberEvidence> {
    return await this.#mutex.run('look', async () => {
      const { port, clock } = this.#options;
      const [atMs, atMonotonicMs] = [clock.nowMs(), clock.monotonicMs()];
      this.#server = await port.probe();
      const restarted = this.#noteProcess();
      await this.#preserveWhenOwed();
      await this.#readFile(read === 'full' || restarted || this.#fullReadIsDue());
      await this.#confirmRot();
      await this.#updateMarks([]);
      [this.#takenAtMs, this.#lookedAtMs] = [atMs, atMonotonicMs];
      return this.#publish();
    });
  }

  /** Takes in what the siblings know; held against this member's own file at once, read anew. */
  async learn(marks: readonly HighWaterMark[], proofs: readonly SiblingProof[]): Promise<void> {
    await this.#mutex.run('look', async () => {
      this.#wanted = wantedBy(proofs);
      if (marks.some((mark) => !this.#book.some((known) => markKey(known.mark) === markKey(mark)))) {
        await this.#readFile(false);
        await this.#updateMarks(marks);
      }
      await this.#keep(inferFromSiblings(this.#book, proofs));
      this.#publish();
    });
  }

  /** Every mark known here, to be copied to the siblings. */
  get standings(): readonly MarkStanding[] {
    return this.#book;
  }

  /** The evidence of the last look that was finished: server, file and marks of one time. */
  evidence(): MemberEvidence {
    return this.#published ?? this.#assemble();
  }

  /** Age of that evidence on the monotonic clock; null before the first look. */
  evidenceAgeMs(): number | null {
    return this.#lookedAtMs === null ? null : this.#options.clock.monotonicMs() - this.#lookedAtMs;
  }

  #publish(): MemberEvidence {
    this.#published = this.#assemble();
    return this.#published;
  }

  #assemble(): MemberEvidence {
    const { node, database, port } = this.#options;
    return {
      node,
      database,
      takenAt: isoTime(this.#takenAtMs),
      server: this.#server,
      file: this.#file,
      rot: this.#rot === null ? null : rotEvidence(this.#rot),
      ownMark: this.#ownContainedMark(),
      standings: withinEvidence(this.#book),
      findings: port.recentFindings(),
    };
  }

  /** Did a server go, come, or come back as another process? A copy is owed then: the next start may change the file. */
  #noteProcess(): boolean {
    const [before, now] = [this.#heard, this.#server];
    // Silence says nothing about the process: busy servers are silent.
    if (now.state === 'silent') return false;
    this.#heard = now;
    if (before !== null && processOf(before) === processOf(now)) return false;
    this.#preserveFor = `server is ${now.state}, was ${before?.state ?? 'not known'}`;
    return true;
  }

  async #preserveWhenOwed(): Promise<void> {
    if (this.#preserveFor === null) return;
    if ((await this.#preserve(this.#preserveFor)) !== null) this.#preserveFor = null;
  }

  #fullReadIsDue(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    if (
      this.#lastFullMonotonicMs === null ||
      nowMs - this.#lastFullMonotonicMs >= this.#options.fullIntervalMs
    )
      return true;
    return this.#rot !== null && confirmationDue(this.#rot, nowMs, this.#options.confirmAfterMs);
  }

  async #readFile(full: boolean): Promise<void> {
    const look = await this.#readOnce(full ? 'full' : 'incremental');
    // New damage is worth a full read at once: it names the place, and starts the time of confirmation.
    const isNews = !full && look.report.problems.length > 0 && this.#rot?.inode !== look.inode;
    if (isNews) await this.#readOnce('full');
  }

  async #readOnce(mode: 'incremental' | 'full'): Promise<FileLook> {
    const { port, events, clock, confirmAfterMs } = this.#options;
    const look = await port.readFile(mode, this.#server.state !== 'down');
    events.read(mode, look.bytesRead, look.pastPageCache);
    this.#history = look.history;
    this.#continues &&= look.continues;
    const at = isoTime(clock.nowMs());
    const isFull = mode === 'full' || look.inode !== this.#file?.inode;
    if (mode === 'full') this.#lastFullMonotonicMs = clock.monotonicMs();
    this.#file = {
      report: look.report,
      inode: look.inode,
      checkedAt: at,
      fullyCheckedAt: isFull ? at : (this.#file?.fullyCheckedAt ?? null),
      pastPageCache: mode === 'full' ? look.pastPageCache : (this.#file?.pastPageCache ?? 'no'),
    };
    if (isFull) this.#noteRot(look, confirmAfterMs);
    return look;
  }

  #noteRot(look: FileLook, confirmAfterMs: number): void {
    const { clock, events } = this.#options;
    const problem = look.report.problems[0] ?? null;
    const before = this.#rot;
    this.#rot = nextRot(
      before,
      {
        inode: look.inode,
        problem,
        pastPageCache: look.pastPageCache,
        nowMs: clock.nowMs(),
        monotonicMs: clock.monotonicMs(),
      },
      confirmAfterMs,
    );
    if (this.#rot !== null && this.#rot.firstSeenMonotonicMs !== before?.firstSeenMonotonicMs) {
      events.corruption(this.#rot.problem, look.inode);
    }
    if (this.#rot === null && before !== null) events.cleared(look.inode);
  }

  /** The copy comes first: before any other act, and before `check-cluster`, which judges the copy. */
  async #confirmRot(): Promise<void> {
    if (this.#rot === null) return;
    if (this.#rot.preservedSha256 === null) {
      const preservedSha256 = await this.#preserve(
        `${this.#rot.problem.kind} at ${String(this.#rot.problem.offset)}`,
      );
      this.#rot = { ...this.#rot, preservedSha256 };
    }
    const { preservedSha256, checkCluster } = this.#rot;
    if (preservedSha256 === null || this.#server.state !== 'up') return;
    if (checkCluster !== 'not-run' && checkCluster !== 'failed') return;
    const word = await this.#options.port
      .checkCopy(preservedSha256, this.#server.version)
      .catch((error: unknown) => {
        this.#options.events.trouble('check-cluster', error);
        return 'failed' as const;
      });
    this.#rot = { ...this.#rot, checkCluster: word };
  }

  async #preserve(reason: string): Promise<string | null> {
    try {
      return await this.#options.port.preserve(reason);
    } catch (error) {
      this.#options.events.trouble('preserve', error);
      return null;
    }
  }

  async #updateMarks(learned: readonly HighWaterMark[]): Promise<void> {
    const ids = this.#ids();
    let book = addMarks(this.#book, learned);
    if (ids !== null && this.#history !== null) {
      const own = newestMark(book, ids.clusterId, ids.serverId);
      book = holdAgainst(book, this.#history, ids.clusterId, own, this.#continues);
      this.#continues = true;
      const mark = this.#newOwnMark(ids);
      if (mark !== null) book = holdAgainst(addMarks(book, [mark]), this.#history, ids.clusterId, mark);
    }
    await this.#keep(prune(book, this.#wanted));
  }

  async #keep(book: MarkBook): Promise<void> {
    this.#book = book;
    await this.#options.marks.save(book);
  }

  #newOwnMark(ids: MemberIds): HighWaterMark | null {
    const commitIndex = this.#file?.report.commitIndex ?? null;
    const found = commitIndex === null ? null : this.#history?.positionAt(commitIndex);
    if (found?.state !== 'known') return null;
    const isKnown = this.#book.some(
      ({ mark }) =>
        mark.serverId === ids.serverId &&
        mark.index === found.position.index &&
        mark.eid === found.position.eid,
    );
    if (isKnown) return null;
    return { ...found.position, ...ids, node: this.#options.node, at: isoTime(this.#options.clock.nowMs()) };
  }

  /** The server knows who it is; when it is down, the file says so, as far as it can be read. */
  #ids(): MemberIds | null {
    if (this.#server.state === 'up') {
      const { clusterId, serverId } = this.#server.status;
      return clusterId === null ? null : { clusterId, serverId };
    }
    const report = this.#file?.report;
    const clusterId = report?.clusterId ?? null;
    const serverId = report?.serverId ?? null;
    return clusterId === null || serverId === null ? null : { clusterId, serverId };
  }

  #ownContainedMark(): HighWaterMark | null {
    const ids = this.#ids();
    if (ids === null) return null;
    const contained = this.#book.filter(({ standing }) => standing === 'contained');
    return newestMark(contained, ids.clusterId, ids.serverId);
  }
}

interface MemberIds {
  readonly clusterId: string;
  readonly serverId: string;
}

/** What differs between two processes: the server's own sign, or whether it is there at all. */
function processOf(server: ServerEvidence): string {
  return 'incarnation' in server ? server.incarnation : server.state;
}

/** As many as siblings accept; what is not contained comes first, for it must not be missed. */
function withinEvidence(book: MarkBook): MarkBook {
  if (book.length <= EVIDENCE_LIMITS.standings) return book;
  const open = book.filter(({ standing }) => standing !== 'contained');
  const contained = book.filter(({ standing }) => standing === 'contained');
  return [...open, ...contained].slice(0, EVIDENCE_LIMITS.standings);
}
