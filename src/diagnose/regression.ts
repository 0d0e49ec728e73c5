import type { NodeView } from './evidence.ts';
import type { ActiveMember } from './leader.ts';
import { type HighWaterMark, markKey } from './mark.ts';

export interface LostMark {
  readonly mark: HighWaterMark;
  readonly because: string;
}

/**
 * Marks of the leader's own cluster that its history does not hold: once committed, now gone. A mark that a snapshot
 * hides there counts as well when every agent has spoken and none of them can show it: whoever could have vouched for
 * it has lost it, too.
 */
export function lostMarks(leader: ActiveMember, nodes: readonly NodeView[]): readonly LostMark[] {
  const { clusterId } = leader.status;
  const vouched = vouchedMarks(nodes);
  return leader.evidence.standings.flatMap(({ mark, standing }) => {
    if (mark.clusterId !== clusterId || standing === 'contained') return [];
    if (standing !== 'unknown')
      return [{ mark, because: `${describeMark(mark)} ${howLost(standing)} of the leader ${leader.node}` }];
    if (vouched === null || vouched.has(markKey(mark))) return [];
    return [{ mark, because: `${describeMark(mark)} cannot be shown by any member any more` }];
  });
}

/** Keys of all marks that somebody holds; null while an agent is silent that might hold more. */
function vouchedMarks(nodes: readonly NodeView[]): ReadonlySet<string> | null {
  const keys = new Set<string>();
  for (const { evidence } of nodes) {
    if (evidence === null) return null;
    for (const { mark, standing } of evidence.standings)
      if (standing === 'contained') keys.add(markKey(mark));
  }
  return keys;
}

/** `entry 49 (term 2, 1a2b3c4d), once committed on n3`. */
export function describeMark(mark: HighWaterMark): string {
  return `entry ${String(mark.index)} (term ${String(mark.term)}, ${mark.eid.slice(0, 8)}), once committed on ${mark.node},`;
}

function howLost(standing: 'beyond' | 'contradicted'): string {
  return standing === 'beyond' ? 'lies beyond the log' : 'is another entry in the log';
}
