/**
 * A place in a raft log that can be compared between members.
 *
 * `eid` is the id of the last entry *with data* at or before `index` (entries that only carry a vote of a leader or a
 * new configuration have none). That is how raft itself names the state of the database at an index
 * (`raft_get_eid` in OVS `ovsdb/raft.c`, and `prev_eid` in a snapshot).
 */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
  readonly eid: string;
}
