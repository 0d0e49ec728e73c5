import type { ActiveMember } from './leader.ts';
import type { HighWaterMark } from './mark.ts';

export interface LostMark {
  readonly mark: HighWaterMark;
  readonly because: string;
}

/** Marks of the leader's own cluster that its history does not hold: once committed, now gone. */
export function lostMarks(leader: ActiveMember): readonly LostMark[] {
  const { clusterId } = leader.status;
  return leader.evidence.standings.flatMap(({ mark, standing }) => {
    if (mark.clusterId !== clusterId) return [];
    if (standing !== 'beyond' && standing !== 'contradicted') return [];
    return [{ mark, because: `${describeMark(mark)} ${howLost(standing)} of the leader ${leader.node}` }];
  });
}

/** `entry 49 (term 2, 1a2b3c4d), once committed on n3`. */
export function describeMark(mark: HighWaterMark): string {
  return `entry ${String(mark.index)} (term ${String(mark.term)}, ${mark.eid.slice(0, 8)}), once committed on ${mark.node},`;
}

function howLost(standing: 'beyond' | 'contradicted'): string {
  return standing === 'beyond' ? 'lies beyond the log' : 'is another entry in the log';
}
