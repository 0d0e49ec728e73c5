import type { LogPosition } from '../ovsdb/log-position.ts';

/**
 * A high-water mark: proof that a member once had this entry committed. Its position is that of the commit index, so
 * (index, term, eid) can be looked up in any other member's history.
 */
export interface HighWaterMark extends LogPosition {
  readonly clusterId: string;
  readonly serverId: string;
  /** The node whose agent took the mark. */
  readonly node: string;
  /** Wall time in ISO format, for people. */
  readonly at: string;
}

/**
 * Where a mark stands in one member's history.
 * - `contained`: the entry is there, with the same term and entry id.
 * - `contradicted`: another entry is committed at that index: the histories have diverged.
 * - `beyond`: the history, as far as it is committed, ends before that index.
 * - `unknown`: a snapshot or damage covers the index and nothing was proved before.
 */
export type Standing = 'contained' | 'contradicted' | 'beyond' | 'unknown';

export interface MarkStanding {
  readonly mark: HighWaterMark;
  readonly standing: Standing;
}

/** One line that names a mark exactly; equal keys mean the same mark. */
export function markKey(mark: HighWaterMark): string {
  return `${mark.clusterId}/${mark.serverId}/${String(mark.index)}/${String(mark.term)}/${mark.eid}`;
}
