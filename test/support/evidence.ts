import type { MemberEvidence, NodeView, Observation, ServerEvidence } from '../../src/diagnose/evidence.ts';
import type { HighWaterMark, Standing } from '../../src/diagnose/mark.ts';
import type { ClusterServer, ClusterStatus } from '../../src/ovsdb/cluster-status.ts';
import type { FileReport, Problem } from '../../src/ovsdb/file-report.ts';
import type { LogPosition } from '../../src/ovsdb/log-position.ts';

/** Whole, plain evidence of sound clusters, and small changes to it. The members are n1, n2, …; n1 leads. */

export const CLUSTER_ID = 'c1c1c1c1-0000-4000-8000-000000000001';
export const OTHER_CLUSTER_ID = 'c2c2c2c2-0000-4000-8000-000000000002';
/** Commit index of every member of a healthy cluster. */
export const COMMIT_INDEX = 150;
const LOG_START = 101;
const TERM = 3;
const TAKEN_AT = '2026-11-24T03:00:00.000Z';

export function nodeName(number: number): string {
  return `n${String(number)}`;
}

/** Server ids differ in their first four digits, as `cluster/status` shows them. */
export function serverIdOf(number: number): string {
  return `a${String(number).padStart(3, '0')}a001-0000-4000-8000-00000000000a`;
}

export function eidOf(index: number, line = 0): string {
  return `e${String(line).padStart(7, '0')}-0000-4000-8000-${String(index).padStart(12, '0')}`;
}

/** The entry at `index` of one line of history; entries of two lines differ. */
export function positionOf(index: number, term = TERM, line = 0): LogPosition {
  return { index, term, eid: eidOf(index, line) };
}

export function markOf(number: number, position: LogPosition, clusterId = CLUSTER_ID): HighWaterMark {
  return { ...position, clusterId, serverId: serverIdOf(number), node: nodeName(number), at: TAKEN_AT };
}

/** `size` members in step, every file verified, every mark found in every history. */
export function healthyCluster(size = 3): MemberEvidence[] {
  const marks = numbers(size).map((number) => markOf(number, positionOf(COMMIT_INDEX)));
  return numbers(size).map((number) => ({
    node: nodeName(number),
    database: 'nb',
    takenAt: TAKEN_AT,
    server: {
      state: 'up',
      status: statusOf(number, size),
      storage: 'ok',
      version: '3.1.0',
      incarnation: `inode-${String(number)}`,
    },
    file: {
      report: reportOf(number),
      inode: `64768:${String(number)}`,
      checkedAt: TAKEN_AT,
      fullyCheckedAt: TAKEN_AT,
      pastPageCache: 'yes',
    },
    rot: null,
    ownMark: marks[number - 1] ?? null,
    standings: marks.map((mark) => ({ mark, standing: 'contained' })),
    findings: [],
  }));
}

function statusOf(number: number, size: number): ClusterStatus {
  const leads = number === 1;
  return {
    name: 'OVN_Northbound',
    clusterId: CLUSTER_ID,
    serverId: serverIdOf(number),
    address: addressOf(number),
    membership: 'member',
    membershipText: 'cluster member',
    remotesForJoining: [],
    role: leads ? 'leader' : 'follower',
    term: TERM,
    leader: leads ? 'self' : serverIdOf(1).slice(0, 4),
    vote: leads ? 'self' : serverIdOf(1).slice(0, 4),
    electionTimerMs: 1_000,
    log: { start: LOG_START, end: COMMIT_INDEX + 1 },
    uncommitted: 0,
    unapplied: 0,
    connections: [],
    disconnections: 0,
    adding: [],
    removing: [],
    servers: numbers(size).map((other) => serverLine(other, number)),
  };
}

function serverLine(number: number, printedBy: number): ClusterServer {
  return {
    nickname: serverIdOf(number).slice(0, 4),
    sidPrefix: serverIdOf(number).slice(0, 4),
    address: addressOf(number),
    self: number === printedBy,
    nextIndex: printedBy === 1 ? COMMIT_INDEX + 1 : null,
    matchIndex: printedBy === 1 ? COMMIT_INDEX : null,
    lastMessageMs: printedBy === 1 && number !== 1 ? 100 : null,
  };
}

function reportOf(number: number): FileReport {
  return {
    file: '/etc/ovn/ovnnb_db.db',
    ok: true,
    database: 'OVN_Northbound',
    clusterId: CLUSTER_ID,
    serverId: serverIdOf(number),
    address: addressOf(number),
    records: 60,
    sizeBytes: 100_000,
    term: TERM,
    lastIndex: COMMIT_INDEX,
    commitIndex: COMMIT_INDEX,
    eid: eidOf(COMMIT_INDEX),
    problems: [],
  };
}

function addressOf(number: number): string {
  return `tcp:10.0.0.${String(number)}:6643`;
}

/** What all agents saw; evidence given as null has not arrived. */
export function observe(
  members: readonly (MemberEvidence | null)[],
  ageMs: number | readonly number[] = 1_000,
): Observation {
  const nodes = members.map((evidence, position): NodeView => {
    const age = typeof ageMs === 'number' ? ageMs : (ageMs[position] ?? 0);
    return { node: nodeName(position + 1), evidence, ageMs: evidence === null ? null : age };
  });
  return { database: 'nb', nodes };
}

/** The members with one of them changed. */
export function withMember(
  members: readonly MemberEvidence[],
  number: number,
  change: (evidence: MemberEvidence) => MemberEvidence,
): MemberEvidence[] {
  return members.map((evidence, position) => (position === number - 1 ? change(evidence) : evidence));
}

export function withServer(server: ServerEvidence): (evidence: MemberEvidence) => MemberEvidence {
  return (evidence) => ({ ...evidence, server });
}

export function withStatus(change: Partial<ClusterStatus>): (evidence: MemberEvidence) => MemberEvidence {
  return (evidence) => {
    if (evidence.server.state !== 'up') return evidence;
    return { ...evidence, server: { ...evidence.server, status: { ...evidence.server.status, ...change } } };
  };
}

export function withStorage(storage: string): (evidence: MemberEvidence) => MemberEvidence {
  return (evidence) =>
    evidence.server.state === 'up' ? { ...evidence, server: { ...evidence.server, storage } } : evidence;
}

export function withReport(change: Partial<FileReport>): (evidence: MemberEvidence) => MemberEvidence {
  return (evidence) => {
    if (evidence.file === null) return evidence;
    return { ...evidence, file: { ...evidence.file, report: { ...evidence.file.report, ...change } } };
  };
}

export function withProblem(
  kind: Problem['kind'],
  detail = `a ${kind}`,
): (evidence: MemberEvidence) => MemberEvidence {
  return withReport({ ok: false, problems: [{ kind, record: 7, offset: 4_242, detail }] });
}

/** Damage that two reads an hour apart and `check-cluster` of a preserved copy agree on. */
export function withRot(evidence: MemberEvidence): MemberEvidence {
  const damaged = withProblem('damaged-record')(evidence);
  return {
    ...damaged,
    rot: {
      inode: damaged.file?.inode ?? '',
      firstSeenAt: TAKEN_AT,
      reads: 2,
      spanMs: 3_600_000,
      pastPageCache: 'yes',
      checkCluster: 'bad',
      preservedSha256: 'ab'.repeat(32),
    },
  };
}

/** Adds a mark, or changes the standing of one that is there. */
export function withStanding(
  mark: HighWaterMark,
  standing: Standing,
): (evidence: MemberEvidence) => MemberEvidence {
  return (evidence) => ({
    ...evidence,
    standings: [
      ...evidence.standings.filter((entry) => JSON.stringify(entry.mark) !== JSON.stringify(mark)),
      { mark, standing },
    ],
  });
}

/** A leader's own list, with one line changed. */
export function withServerLine(
  number: number,
  change: Partial<ClusterServer>,
): (evidence: MemberEvidence) => MemberEvidence {
  return (evidence) => {
    if (evidence.server.state !== 'up') return evidence;
    const servers = evidence.server.status.servers.map((line) =>
      line.sidPrefix === serverIdOf(number).slice(0, 4) ? { ...line, ...change } : line,
    );
    return withStatus({ servers })(evidence);
  };
}

function numbers(size: number): number[] {
  return Array.from({ length: size }, (_, position) => position + 1);
}
