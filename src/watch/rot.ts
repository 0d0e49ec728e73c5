import type { RotEvidence } from '../diagnose/evidence.ts';
import { isoTime } from '../lib/clock.ts';
import type { Problem } from '../ovsdb/file-report.ts';

/** Damage in the file of a live server, as it is being confirmed. */
export interface Rot {
  readonly inode: string;
  readonly problem: Problem;
  readonly firstSeenMs: number;
  readonly firstSeenMonotonicMs: number;
  readonly reads: number;
  readonly lastReadMonotonicMs: number;
  readonly pastPageCache: RotEvidence['pastPageCache'];
  readonly checkCluster: RotEvidence['checkCluster'];
  readonly preservedSha256: string | null;
}

/** One read of every byte of a live server's file. */
export interface FullRead {
  readonly inode: string;
  /** The first problem, or null when the file verified. */
  readonly problem: Problem | null;
  readonly pastPageCache: RotEvidence['pastPageCache'];
  readonly nowMs: number;
  readonly monotonicMs: number;
}

/** Reads closer together than `confirmAfterMs` count as one: the second must come later to mean anything. */
export function nextRot(rot: Rot | null, read: FullRead, confirmAfterMs: number): Rot | null {
  const { problem, inode } = read;
  if (problem === null) return null;
  if (rot?.inode !== inode || !sameProblem(rot.problem, problem)) return firstRead(read, problem);
  if (read.monotonicMs - rot.lastReadMonotonicMs < confirmAfterMs) return rot;
  return {
    ...rot,
    reads: rot.reads + 1,
    lastReadMonotonicMs: read.monotonicMs,
    pastPageCache: read.pastPageCache,
  };
}

/** When the next full read is worth its price: at once on new damage, then when it can confirm. */
export function confirmationDue(rot: Rot, monotonicMs: number, confirmAfterMs: number): boolean {
  return rot.reads < 2 && monotonicMs - rot.lastReadMonotonicMs >= confirmAfterMs;
}

export function rotEvidence(rot: Rot): RotEvidence {
  return {
    inode: rot.inode,
    firstSeenAt: isoTime(rot.firstSeenMs),
    reads: rot.reads,
    spanMs: rot.lastReadMonotonicMs - rot.firstSeenMonotonicMs,
    pastPageCache: rot.pastPageCache,
    checkCluster: rot.checkCluster,
    preservedSha256: rot.preservedSha256,
  };
}

function firstRead(read: FullRead, problem: Problem): Rot {
  return {
    inode: read.inode,
    problem,
    firstSeenMs: read.nowMs,
    firstSeenMonotonicMs: read.monotonicMs,
    reads: 1,
    lastReadMonotonicMs: read.monotonicMs,
    pastPageCache: read.pastPageCache,
    checkCluster: 'not-run',
    preservedSha256: null,
  };
}

function sameProblem(a: Problem, b: Problem): boolean {
  return a.kind === b.kind && a.offset === b.offset;
}
