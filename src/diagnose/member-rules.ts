import type { ProblemKind } from '../ovsdb/file-report.ts';
import type { MemberEvidence, NodeView } from './evidence.ts';
import type { ActiveMember } from './leader.ts';
import { markKey } from './mark.ts';
import { describeMark } from './regression.ts';
import type { MemberVerdict, Verdict } from './verdict.ts';

interface Case {
  readonly evidence: MemberEvidence;
  /** The confirmed leader of the database, perhaps this very member. */
  readonly leader: ActiveMember | null;
}

type Ruling = readonly [verdict: Verdict, because: string] | null;

/** In order of precedence: the first rule that speaks decides. */
const RULES: readonly ((given: Case) => Ruling)[] = [
  aheadOrDiverged,
  foreign,
  removed,
  inconsistent,
  broken,
  failed,
  gappedOrRotten,
  joining,
  catchingUp,
  unreachable,
  unproven,
];

/** Judges one member. Total: whatever no rule explains is `healthy` only because `unproven` found nothing missing. */
export function judgeMember(view: NodeView, leader: ActiveMember | null): MemberVerdict {
  const { node, evidence } = view;
  if (evidence === null)
    return { node, verdict: 'unreachable', because: `no fresh word from the agent on ${node}` };
  for (const rule of RULES) {
    const ruling = rule({ evidence, leader });
    if (ruling !== null) return { node, verdict: ruling[0], because: ruling[1] };
  }
  return { node, verdict: 'healthy', because: 'a member in step, its file verified' };
}

/** Kinds of problem that only a history unlike the leader's can cause. */
const DIVERGENT: ReadonlySet<ProblemKind> = new Set(['truncates-committed']);

const FOREIGN: ReadonlySet<ProblemKind> = new Set([
  'standalone',
  'wrong-name',
  'wrong-cluster',
  'wrong-server',
  'wrong-address',
]);

function aheadOrDiverged({ evidence, leader }: Case): Ruling {
  // An entry that is written again as it was contradicts nothing.
  const truncates = evidence.file?.report.problems.find(
    ({ kind, sameEntry }) => DIVERGENT.has(kind) && sameEntry !== true,
  );
  if (truncates !== undefined) return ['diverged', truncates.detail];
  const assertion = evidence.findings.find((finding) => finding.class === 'diverged');
  if (assertion !== undefined && evidence.server.state !== 'up')
    return ['diverged', `its log shows ${assertion.signature}`];
  if (leader === null || leader.node === evidence.node) return null;
  const own = new Map(evidence.standings.map(({ mark, standing }) => [markKey(mark), standing]));
  for (const { mark, standing } of leader.evidence.standings) {
    if (standing !== 'beyond' && standing !== 'contradicted') continue;
    if (mark.clusterId !== leader.status.clusterId || !isHolder(own.get(markKey(mark)), mark.node, evidence))
      continue;
    const verdict = standing === 'beyond' ? 'ahead' : 'diverged';
    return [verdict, `holds ${describeMark(mark)} which the leader ${leader.node} lacks`];
  }
  return null;
}

/** Does this member hold the mark? When its file cannot tell any more, its own mark must be assumed to be there. */
function isHolder(standing: string | undefined, markNode: string, evidence: MemberEvidence): boolean {
  if (standing === 'contained') return true;
  return standing !== 'beyond' && standing !== 'contradicted' && markNode === evidence.node;
}

function foreign({ evidence, leader }: Case): Ruling {
  const problem = evidence.file?.report.problems.find(({ kind }) => FOREIGN.has(kind));
  if (problem !== undefined) return ['foreign', problem.detail];
  if (leader === null) return null;
  const expected = leader.status.clusterId;
  const clusterId = clusterIdOf(evidence);
  if (clusterId !== null && clusterId !== expected)
    return ['foreign', `its cluster is ${clusterId}, the leader's is ${expected}`];
  return null;
}

function clusterIdOf(evidence: MemberEvidence): string | null {
  if (evidence.server.state === 'up') return evidence.server.status.clusterId;
  return evidence.file?.report.clusterId ?? null;
}

function removed({ evidence }: Case): Ruling {
  const left = evidence.file?.report.problems.find(
    ({ kind }) => kind === 'left-cluster' || kind === 'not-a-member',
  );
  if (left !== undefined) return ['removed', left.detail];
  if (evidence.server.state === 'no-database')
    return ['removed', `its server no longer serves the database: ${evidence.server.detail}`];
  if (evidence.server.state !== 'up') return null;
  const { membership, membershipText } = evidence.server.status;
  return membership === 'left' || membership === 'leaving'
    ? ['removed', `its server says "${membershipText}"`]
    : null;
}

function inconsistent({ evidence }: Case): Ruling {
  if (evidence.server.state !== 'up' || !evidence.server.storage.includes('inconsistent data')) return null;
  return ['inconsistent', `its server says "${evidence.server.storage}"`];
}

function broken({ evidence }: Case): Ruling {
  const problem = evidence.file?.report.problems[0];
  if (evidence.server.state !== 'down' || problem === undefined || problem.kind === 'torn-tail') return null;
  return ['broken', `its server is down and its file has a ${problem.kind}: ${problem.detail}`];
}

function failed({ evidence }: Case): Ruling {
  if (evidence.server.state !== 'up' || evidence.server.status.membership !== 'failed') return null;
  return ['failed', 'its server stopped writing after an I/O error'];
}

function gappedOrRotten({ evidence }: Case): Ruling {
  const problem = evidence.file?.report.problems[0];
  if (evidence.server.state !== 'up' || problem === undefined) return null;
  const lostWrite = evidence.findings.find((finding) => finding.class === 'latent');
  if (lostWrite !== undefined)
    return ['gapped', `its log shows ${lostWrite.signature}, its file a ${problem.kind}`];
  const where = problem.offset === null ? '' : ` at byte ${String(problem.offset)}`;
  if (!isConfirmed(evidence))
    return ['unknown', `its file shows a ${problem.kind}${where}, not yet confirmed by a second read`];
  return ['rotten', `its server is sound, its file has a ${problem.kind}${where}`];
}

/** Two full reads that agree and the word of `check-cluster`: what it takes before damage is believed. */
export function isConfirmed(evidence: MemberEvidence): boolean {
  const { rot, file } = evidence;
  return (
    rot !== null && file !== null && rot.inode === file.inode && rot.reads >= 2 && rot.checkCluster === 'bad'
  );
}

function joining({ evidence }: Case): Ruling {
  if (evidence.server.state !== 'up' || evidence.server.status.membership !== 'joining') return null;
  return ['joining', 'its server is joining the cluster'];
}

function catchingUp({ evidence, leader }: Case): Ruling {
  if (evidence.server.state !== 'up' || leader === null) return null;
  const missing = evidence.standings.find(
    ({ mark, standing }) =>
      mark.node === evidence.node && (standing === 'beyond' || standing === 'contradicted'),
  );
  if (missing !== undefined)
    return ['catching-up', `its own file lacks ${describeMark(missing.mark)} so far`];
  const lag = lagBehind(evidence, leader);
  if (lag === null) return null;
  if (lag > MAX_LAG) return ['catching-up', `${String(lag)} entries behind the leader`];
  if (isBehindSnapshot(lag, leader)) return ['catching-up', "behind the start of the leader's log"];
  return null;
}

/** Is a member with this lag so far behind that the leader can only send it a snapshot? */
export function isBehindSnapshot(lag: number, leader: ActiveMember): boolean {
  const { start, end } = leader.status.log;
  return end - 1 - lag < start - 1;
}

/** Entries that a follower under load may be behind at any one instant and still be in step. */
export const MAX_LAG = 50;

/**
 * Entries between a member's match index and the end of the leader's log, or null when the leader does not list it.
 * The leader alone shows `match_index`; the leader's own line is meaningless and counts as no lag.
 */
export function lagBehind(evidence: MemberEvidence, leader: ActiveMember): number | null {
  if (evidence.node === leader.node) return 0;
  if (evidence.server.state !== 'up') return null;
  const { serverId } = evidence.server.status;
  const line = leader.status.servers.find(({ sidPrefix, self }) => !self && serverId.startsWith(sidPrefix));
  const matchIndex = line?.matchIndex ?? null;
  if (matchIndex === null) return null;
  return Math.max(0, leader.status.log.end - 1 - matchIndex);
}

function unreachable({ evidence }: Case): Ruling {
  const { server } = evidence;
  if (server.state === 'down' || server.state === 'silent')
    return ['unreachable', `its server is ${server.state}: ${server.detail}`];
  if (server.state === 'up' && server.status.membership === 'disconnected') {
    return ['unreachable', `its server says "${server.status.membershipText}"`];
  }
  return null;
}

function unproven({ evidence, leader }: Case): Ruling {
  if (evidence.file === null) return ['unknown', 'its file has not been verified yet'];
  if (leader === null) return ['unknown', 'no leader is known to compare it with'];
  if (lagBehind(evidence, leader) === null) return ['unknown', `the leader ${leader.node} does not list it`];
  return null;
}
