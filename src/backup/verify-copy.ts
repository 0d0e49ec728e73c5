import { messageOf } from '../lib/errors.ts';
import type { FileReport, Problem } from '../ovsdb/file-report.ts';
import type { CopyItem, CopyVerdict } from './copy-item.ts';

/**
 * Verifies a copy that nobody writes to. Injected, because what is expected of a file (database, cluster) is known
 * to the caller only.
 */
export type VerifyCopy = (path: string, signal?: AbortSignal) => Promise<{ readonly report: FileReport }>;

/** The parts of a manifest that come from verification. */
export type Judgement = Pick<CopyItem, 'identity' | 'position' | 'verdict'>;

export function judgementOf(report: FileReport): Judgement {
  const { clusterId, serverId, address, term, lastIndex, commitIndex, eid } = report;
  return {
    identity: { clusterId, serverId, address },
    position: { term, lastIndex, commitIndex, eid },
    verdict: verdictOf(report),
  };
}

/** A copy of which nothing could be learned is a suspect one, with the reason as its problem. */
export function unknownJudgement(error: unknown): Judgement {
  const detail = `could not be verified: ${messageOf(error)}`;
  return {
    identity: { clusterId: null, serverId: null, address: null },
    position: { term: null, lastIndex: null, commitIndex: null, eid: null },
    verdict: { state: 'suspect', problems: [{ kind: 'unreadable', record: null, offset: null, detail }] },
  };
}

/**
 * The offset of an unfinished last record, when that is all that is wrong with a file. The server reads such a file
 * up to there; a live one shows it while a record is being written.
 */
export function unfinishedTailOffset(report: FileReport): number | null {
  const [problem, ...others] = report.problems;
  if (problem?.kind !== 'torn-tail' || others.length > 0) return null;
  return problem.offset === 0 ? null : problem.offset;
}

function verdictOf(report: FileReport): CopyVerdict {
  if (report.ok) return { state: 'verified' };
  const problems: Problem[] = [...report.problems];
  if (problems.length > 0) return { state: 'suspect', problems };
  return unknownJudgement('the file is not sound, without a named problem').verdict;
}
