import type { Database } from '../ovsdb/database.ts';

/** Every verdict about one member of one database, in order of precedence: the first that holds is the verdict. */
export const VERDICTS = [
  'ahead', // holds committed entries that the leader's history lacks: never touch, preserve, call a person
  'diverged', // holds another entry at an index that both have: the same
  'foreign', // the file belongs to another database, cluster or member, or is standalone
  'removed', // left or was kicked; this server id can never return
  'inconsistent', // the server could not apply a transaction
  'blocked', // the environment is in the way: space, permissions, a lock
  'broken', // the server is down and its file cannot be opened
  'failed', // the server stopped writing after an I/O error
  'gapped', // the server lost writes that it believes to be in its file
  'rotten', // the server is sound, its file is not: the next restart would drop data
  'stuck-joining', // joining for longer than its deadline
  'departed', // an entry whose address no longer belongs to any node
  'ghost', // an entry whose address answers under another server id
  'torn', // a tail was dropped at start and has been fetched again
  'joining',
  'catching-up',
  'unreachable', // no server or no agent in reach
  'unknown', // not enough evidence; never acted upon
  'healthy',
] as const;

export type Verdict = (typeof VERDICTS)[number];

/** Verdicts about the cluster of one database, worst first. */
export const CLUSTER_VERDICTS = [
  'regressed', // something once committed is not in the leader's history, however green all looks
  'split', // two cluster ids, or two leaders in one term
  'quorum-lost',
  'no-leader',
  'at-risk', // one more failure loses quorum, or two members are rotten: restart nothing
  'degraded',
  'unknown',
  'ok',
] as const;

export type ClusterVerdict = (typeof CLUSTER_VERDICTS)[number];

export interface MemberVerdict {
  readonly node: string;
  readonly verdict: Verdict;
  /** One sentence with the facts that decided. */
  readonly because: string;
}

export interface ConfirmedLeader {
  readonly node: string;
  readonly serverId: string;
  readonly clusterId: string;
  readonly term: number;
}

/** The judgement of one database. */
export interface Diagnosis {
  readonly database: Database;
  readonly cluster: ClusterVerdict;
  readonly because: string;
  readonly leader: ConfirmedLeader | null;
  readonly members: readonly MemberVerdict[];
  /** True while data may exist in one place only: no compaction, no pruning anywhere. */
  readonly frozen: boolean;
}
