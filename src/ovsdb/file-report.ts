/** Everything that can be wrong with a database file. Closed; documented in `docs/reference/verify.md`. */
export const PROBLEM_KINDS = [
  'unreadable', // absent, not a regular file, no permission, I/O error
  'empty', // zero bytes: the server cannot identify its type
  'not-ovsdb', // the first bytes are not an OVSDB record header
  'standalone', // a standalone database where a clustered one belongs
  'broken-first-record', // the snapshot record cannot be used; the server refuses to start
  'torn-tail', // the last record is incomplete or damaged and nothing valid follows: an ordinary interrupted write
  'damaged-record', // a bad record with valid records after it: the server would silently drop all of them
  'invalid-record', // right checksum, wrong content; the server refuses to start
  'commit-ahead-of-log', // "advances commit index to N but last log index is M"
  'commit-regressed', // "regresses commit index"
  'truncates-committed', // "attempts to truncate log": corrupt, or a history that diverged
  'index-skipped', // "skips past expected index"
  'term-regressed', // "precedes previous entry's term"
  'vote-for-old-term',
  'vote-changed', // two votes in one term
  'leader-changed', // two leaders in one term (only check-cluster minds)
  'leader-rewrote-log', // an index written again by the leader itself (only check-cluster minds)
  'left-cluster', // the note "left": this server id can never be used again
  'not-a-member', // own server id is missing from the last list of servers
  'wrong-name', // identity: another database than expected
  'wrong-cluster', // identity: another cluster id
  'wrong-server', // identity: another server id
  'wrong-address', // identity: another member's address
] as const;

export type ProblemKind = (typeof PROBLEM_KINDS)[number];

export interface Problem {
  readonly kind: ProblemKind;
  /** Zero-based number of the record, as in the server's own messages; null when it belongs to no record. */
  readonly record: number | null;
  /** Byte offset of the record's header line; null when it belongs to no place. */
  readonly offset: number | null;
  readonly detail: string;
  /**
   * Only with `truncates-committed`: true when the entry that is written again is the same one (index, term and entry
   * id), which contradicts nothing that was committed.
   */
  readonly sameEntry?: boolean;
}

/** A report names at most this many problems, the first ones in the file. */
export const MAX_PROBLEMS = 100;

/** Who a clustered file says it is. Every part may be unknown when the first record is damaged. */
export interface FileIdentity {
  /** Schema name, for example `OVN_Northbound`. */
  readonly database: string | null;
  readonly clusterId: string | null;
  readonly serverId: string | null;
  /** Raft address, for example `tcp:10.0.0.1:6643`. */
  readonly address: string | null;
}

/** What verification of one file found. This is the shape of `verify -o json`. */
export interface FileReport extends FileIdentity {
  readonly file: string;
  readonly ok: boolean;
  /** False in a file made by `join-cluster` whose member has not joined yet; absent when that cannot be known. */
  readonly joined?: boolean;
  /** Whole records with the right checksum. */
  readonly records: number;
  readonly sizeBytes: number;
  /** Current term: the highest of all records. */
  readonly term: number | null;
  readonly lastIndex: number | null;
  /** Highest commit index of all records. */
  readonly commitIndex: number | null;
  /** Entry id of the last data entry at or before `commitIndex`. */
  readonly eid: string | null;
  readonly problems: readonly Problem[];
}
