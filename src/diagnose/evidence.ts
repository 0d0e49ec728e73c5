import type { ClusterStatus } from '../ovsdb/cluster-status.ts';
import type { Database } from '../ovsdb/database.ts';
import type { FileReport } from '../ovsdb/file-report.ts';
import type { HighWaterMark, MarkStanding } from './mark.ts';

/** What the control socket of one server said about one database. */
export type ServerEvidence =
  | {
      readonly state: 'up';
      readonly status: ClusterStatus;
      /** `ok`, or the server's own words, for example `ovsdb error: inconsistent data`. */
      readonly storage: string;
      readonly version: string;
      /** Changes whenever the server process was started again. */
      readonly incarnation: string;
    }
  /** The server answers, yet does not serve this database: it was removed from the cluster, or has another file. */
  | { readonly state: 'no-database'; readonly detail: string; readonly incarnation: string }
  /** Nobody listens on the socket. */
  | { readonly state: 'down'; readonly detail: string }
  /** Connected but no usable answer: busy or dead, nobody can tell. */
  | { readonly state: 'silent'; readonly detail: string };

/** What the file on disk looks like, and how well that is known. */
export interface FileEvidence {
  readonly report: FileReport;
  /** Identity of the inode that was read, as `device:inode`. */
  readonly inode: string;
  /** Wall time of the last look at new bytes, and of the last time every byte was read; null when never. */
  readonly checkedAt: string;
  readonly fullyCheckedAt: string | null;
  /** Did the last full read go to the device, past the page cache? `unavailable` where the filesystem cannot. */
  readonly pastPageCache: 'yes' | 'no' | 'unavailable';
}

/** How often and by whom damage in the file of a live server was seen. */
export interface RotEvidence {
  /** Inode on which all the reads below agree. */
  readonly inode: string;
  readonly firstSeenAt: string;
  /** Full reads that found the same first problem, and the time between the first and the last of them. */
  readonly reads: number;
  readonly spanMs: number;
  readonly pastPageCache: 'yes' | 'no' | 'unavailable';
  /** What `ovsdb-tool check-cluster` said of the preserved copy. */
  readonly checkCluster: 'bad' | 'clean' | 'not-run' | 'tool-too-old' | 'failed';
  /** SHA-256 of the preserved copy of the damaged file; null until it is safe. */
  readonly preservedSha256: string | null;
}

/** A log line that matched a signature, reduced to what a judgement needs. */
export interface RecentFinding {
  readonly signature: string;
  readonly class: string;
  readonly at: string | null;
}

/** Everything one agent knows about its own member of one database. Agents exchange these. */
export interface MemberEvidence {
  readonly node: string;
  readonly database: Database;
  readonly takenAt: string;
  readonly server: ServerEvidence;
  /** Null until the file was looked at for the first time. */
  readonly file: FileEvidence | null;
  readonly rot: RotEvidence | null;
  readonly ownMark: HighWaterMark | null;
  /** Every mark this agent knows of the member's cluster, held against the member's own history. */
  readonly standings: readonly MarkStanding[];
  /** Newest last; bounded by the sender. */
  readonly findings: readonly RecentFinding[];
}

/** One configured node as seen from here. */
export interface NodeView {
  readonly node: string;
  /** Null when the node's agent has not answered yet. */
  readonly evidence: MemberEvidence | null;
  /** Age of the evidence on the receiver's monotonic clock; null without evidence. */
  readonly ageMs: number | null;
}

/** All that a judgement of one database is made from. */
export interface Observation {
  readonly database: Database;
  readonly nodes: readonly NodeView[];
}
