import type { Database } from '../ovsdb/database.ts';

/** What kind of trouble a log line speaks of. Closed; documented in `docs/reference/signatures.md`. */
export const SIGNATURE_CLASSES = [
  'fatal-file', // the file contradicts itself or cannot be parsed; the server refuses to start on it
  'diverged', // committed entries are contradicted: corrupt, or the only copy of the newest data; a person decides
  'removed', // this member left the cluster or was kicked
  'identity', // the file or a peer belongs to another cluster, database or server
  'dropped-tail', // a record could not be read; everything after it is dropped, silently
  'latent', // the server runs on, yet its file misses entries: fatal at the next start
  'inconsistent', // the log was read, but its transactions do not fit the data
  'io', // the disk failed the server
  'environment', // permissions, locks, ports: something around the server
  'startup', // the server did not start; the reason is in another line
  'repaired', // a start script changed the file before the server saw it
] as const;

export type SignatureClass = (typeof SIGNATURE_CLASSES)[number];

/** One log line that matched a signature. A hint, never proof: lines can be old, and anyone who can log can lie. */
export interface LogFinding {
  /** Stable across restarts of the agent, so that a consumer can drop a line it has already dealt with. */
  readonly id: string;
  readonly signature: string;
  readonly class: SignatureClass;
  /** From names in the line, else from the configuration of the file, else null. */
  readonly database: Database | null;
  readonly file: string;
  /** One-based line number, known only when a file was read from its start in one go. */
  readonly line: number | null;
  /** Byte offset of the line's start in the (uncompressed) file. */
  readonly offset: number;
  /** ISO time that the line itself carries, or null. */
  readonly at: string | null;
  /** At most {@link MAX_FINDING_TEXT_CHARS} characters, control characters made visible. */
  readonly text: string;
  /** True when the line was there before the agent first looked at the file. */
  readonly historic: boolean;
}

export const MAX_FINDING_TEXT_CHARS = 2048;
