import type { NodeView, Observation } from './evidence.ts';
import { type ActiveMember, type LeaderSearch, activeMembers, findLeader, majorityOf } from './leader.ts';
import { judgeMember } from './member-rules.ts';
import { type LostMark, lostMarks } from './regression.ts';
import type { ClusterVerdict, Diagnosis, MemberVerdict } from './verdict.ts';

export interface DiagnoseLimits {
  /** Evidence older than this counts as absent. */
  readonly staleAfterMs: number;
}

/** Judges one database from what all agents saw. Pure and total: the same observation gives the same diagnosis. */
export function diagnose(observation: Observation, limits: DiagnoseLimits): Diagnosis {
  const nodes = observation.nodes.map((view) => withoutStale(view, limits));
  const active = activeMembers(nodes);
  const search = findLeader(active);
  const leader = search.state === 'confirmed' ? search : null;
  const members = nodes.map((view) => judgeMember(view, leader?.member ?? null));
  const lost = leader === null ? [] : lostMarks(leader.member, nodes);
  const { cluster, because } = judgeCluster(nodes, active, search, members, lost);
  return {
    database: observation.database,
    cluster,
    because,
    leader: leader?.leader ?? null,
    members,
    frozen: mustFreeze(cluster, members, nodes),
  };
}

function withoutStale(view: NodeView, { staleAfterMs }: DiagnoseLimits): NodeView {
  return view.ageMs !== null && view.ageMs > staleAfterMs ? { ...view, evidence: null } : view;
}

type ClusterJudgement = Pick<Diagnosis, 'cluster' | 'because'>;

function judgeCluster(
  nodes: readonly NodeView[],
  active: readonly ActiveMember[],
  search: LeaderSearch,
  members: readonly MemberVerdict[],
  lost: readonly LostMark[],
): ClusterJudgement {
  const [firstLost] = lost;
  if (firstLost !== undefined) return verdict('regressed', firstLost.because);
  if (search.state === 'split') return verdict('split', search.because);
  if (nodes.every(({ evidence }) => evidence === null))
    return verdict('unknown', 'no agent has answered yet');
  const size = search.state === 'confirmed' ? search.member.status.servers.length : nodes.length;
  const needed = majorityOf(size);
  if (search.state === 'none') {
    const unseen = nodes.filter(({ evidence }) => evidence === null).length;
    if (active.length >= needed) return verdict('no-leader', search.because);
    if (active.length + unseen >= needed)
      return verdict('unknown', `${search.because}; ${String(unseen)} agents are out of reach`);
    return verdict(
      'quorum-lost',
      `${String(active.length)} of ${String(size)} members are up; ${String(needed)} are needed`,
    );
  }
  return judgeRedundancy(members, active.length, needed);
}

function judgeRedundancy(members: readonly MemberVerdict[], up: number, needed: number): ClusterJudgement {
  const rotten = members.filter((member) => member.verdict === 'rotten');
  if (rotten.length > 1) {
    return verdict(
      'at-risk',
      `the files of ${rotten.map(({ node }) => node).join(' and ')} are rotten: restart nothing`,
    );
  }
  const unwell = members.filter((member) => member.verdict !== 'healthy');
  if (unwell.length === 0) return verdict('ok', `all ${String(members.length)} members are healthy`);
  const list = unwell.map((member) => `${member.node} is ${member.verdict}`).join(', ');
  return up <= needed
    ? verdict('at-risk', `${list}; one more failure loses quorum`)
    : verdict('degraded', list);
}

function mustFreeze(
  cluster: ClusterVerdict,
  members: readonly MemberVerdict[],
  nodes: readonly NodeView[],
): boolean {
  if (cluster === 'regressed' || cluster === 'split') return true;
  if (members.some((member) => member.verdict === 'ahead' || member.verdict === 'diverged')) return true;
  return nodes.some(
    ({ evidence }) => evidence?.standings.some(({ standing }) => standing === 'contradicted') ?? false,
  );
}

function verdict(cluster: ClusterVerdict, because: string): ClusterJudgement {
  return { cluster, because };
}
