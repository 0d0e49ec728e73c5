import type { ClusterStatus } from '../ovsdb/cluster-status.ts';
import type { MemberEvidence, NodeView } from './evidence.ts';
import type { ConfirmedLeader } from './verdict.ts';

/** A member whose server answers and counts itself as a member of a known cluster. */
export interface ActiveMember {
  readonly node: string;
  readonly evidence: MemberEvidence;
  readonly status: ClusterStatus & { readonly clusterId: string };
}

export type LeaderSearch =
  | { readonly state: 'confirmed'; readonly leader: ConfirmedLeader; readonly member: ActiveMember }
  | { readonly state: 'none'; readonly because: string }
  | { readonly state: 'split'; readonly because: string };

/** Members that are up and whose evidence is fresh. */
export function activeMembers(nodes: readonly NodeView[]): readonly ActiveMember[] {
  return nodes.flatMap(({ node, evidence }) => {
    if (evidence?.server.state !== 'up') return [];
    const { status } = evidence.server;
    if (status.membership !== 'member' || status.clusterId === null) return [];
    return [{ node, evidence, status: { ...status, clusterId: status.clusterId } }];
  });
}

/**
 * The leader counts only when a majority of its own list of servers, itself included, names it in its own term. A
 * leader cut off from the others goes on calling itself leader, yet in a lower term and with no one behind it.
 */
export function findLeader(active: readonly ActiveMember[]): LeaderSearch {
  const clusterIds = [...new Set(active.map(({ status }) => status.clusterId))];
  if (clusterIds.length > 1)
    return { state: 'split', because: `members of two clusters answer: ${clusterIds.join(', ')}` };
  const claimants = active.filter(({ status }) => status.role === 'leader' && status.leader === 'self');
  const term = Math.max(...claimants.map(({ status }) => status.term));
  const [member, rival] = claimants.filter(({ status }) => status.term === term);
  if (member === undefined) return { state: 'none', because: 'no member says that it leads' };
  if (rival !== undefined) {
    return { state: 'split', because: `${member.node} and ${rival.node} both lead in term ${String(term)}` };
  }
  // By server id: a copied member that answers on two nodes has one vote.
  const followers = active.filter(({ status }) => followsIn(status, member.status));
  const behind = new Set(followers.map(({ status }) => status.serverId)).size + 1;
  const size = member.status.servers.length;
  if (behind < majorityOf(size)) {
    return {
      state: 'none',
      because: `${member.node} says that it leads, but ${String(behind)} of ${String(size)} say so`,
    };
  }
  const { serverId, clusterId } = member.status;
  return { state: 'confirmed', leader: { node: member.node, serverId, clusterId, term }, member };
}

/** The smallest number of members that is more than half. */
export function majorityOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

function followsIn(status: ClusterStatus, leader: ClusterStatus): boolean {
  if (status.term !== leader.term || status.serverId === leader.serverId) return false;
  const own = leader.servers.find(({ self }) => self);
  return own?.nickname === status.leader;
}
