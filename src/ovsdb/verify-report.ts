import type { FileIdentity, FileReport, Problem } from './file-report.ts';
import { STANDALONE_MAGIC, startsWith } from './log-frame.ts';
import type { LogWindow } from './log-window.ts';
import { identityProblems } from './verify-identity.ts';
import type { BadTail, VerifyPass } from './verify-pass.ts';

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

/** Judges a file by its first bytes: the problem that makes reading records pointless, or null. */
export async function headProblem(window: LogWindow): Promise<Problem | null> {
  await window.load(0);
  if (window.sizeBytes === 0) return at(0, 'empty', 'the file has no bytes');
  if (startsWith(window.bytes, 0, window.heldBytes, STANDALONE_MAGIC)) {
    return at(0, 'standalone', 'a standalone database, not a member of a cluster');
  }
  if (startsWith(window.bytes, 0, window.heldBytes, GZIP_MAGIC)) {
    return at(0, 'not-ovsdb', 'the file is compressed with gzip');
  }
  return null;
}

/** What a bad end of the file is called when no server is going to finish it. */
export function tailProblem(tail: BadTail, record: number): Problem {
  const { offset, detail } = tail;
  if (offset > 0) return { kind: 'torn-tail', record, offset, detail };
  const hasHeaderLine = tail.reason === 'checksum' || tail.reason === 'incomplete';
  return hasHeaderLine ? at(0, 'broken-first-record', detail) : at(null, 'not-ovsdb', detail);
}

/** The report of a file that was read. `extra` are problems that are no part of the pass. */
export function reportOf(
  file: string,
  sizeBytes: number,
  pass: VerifyPass,
  expected: Partial<FileIdentity>,
  extra: readonly Problem[] = [],
): FileReport {
  const { history, identity } = pass;
  const problems = [
    ...pass.problems,
    ...membershipProblems(pass),
    ...identityProblems(identity, expected),
    ...extra,
  ];
  const commit = history.commitIndex === null ? null : history.positionAt(history.commitIndex);
  return {
    file,
    ok: problems.length === 0,
    ...identity,
    ...(pass.header === null ? {} : { joined: pass.header.base !== null }),
    records: pass.records,
    sizeBytes,
    term: pass.term === 0 ? null : safeInteger(pass.term),
    lastIndex: safeInteger(history.lastIndex),
    commitIndex: safeInteger(history.commitIndex),
    eid: commit?.state === 'known' ? commit.position.eid : null,
    problems,
  };
}

/** The report of a file of which nothing could be read. */
export function reportOfUnreadable(file: string, detail: string): FileReport {
  return {
    ...{ file, ok: false, database: null, clusterId: null, serverId: null, address: null },
    ...{ records: 0, sizeBytes: 0, term: null, lastIndex: null, commitIndex: null, eid: null },
    problems: [at(null, 'unreadable', detail)],
  };
}

function membershipProblems(pass: VerifyPass): readonly Problem[] {
  if (pass.isMember !== false || pass.problems.some(({ kind }) => kind === 'left-cluster')) return [];
  const detail = `server ${pass.identity.serverId ?? ''} is not in the last list of servers`;
  return [{ kind: 'not-a-member', record: null, offset: null, detail }];
}

/** Hostile files hold integers that a JSON number cannot carry; they are reported as the largest that it can. */
function safeInteger<T extends number | null>(value: T): T | number {
  return value === null ? value : Math.min(value, Number.MAX_SAFE_INTEGER);
}

function at(record: 0 | null, kind: Problem['kind'], detail: string): Problem {
  return { kind, record, offset: record, detail };
}
