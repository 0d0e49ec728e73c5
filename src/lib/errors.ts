/**
 * Every error that ovn-warden raises on purpose carries one of these codes. The list is closed and documented in
 * `docs/reference/errors.md`; a test compares the two.
 */
export const ERROR_CODES = [
  'usage', // the command line or a request was not understood
  'config-invalid', // the configuration file has one or more bad keys
  'file-unreadable', // a file is absent, not a regular file, or may not be read
  'not-ovsdb', // a file is not an OVSDB log
  'server-unreachable', // no answer from a database server's control socket
  'server-refused', // the database server answered with an error
  'reply-invalid', // an answer arrived but is not what the protocol promises
  'tool-failed', // an OVS tool could not be run, timed out or flooded its output
  'peer-unreachable', // a sibling agent did not answer in time
  'peer-refused', // a sibling agent answered no
  'agent-unreachable', // the local agent's socket did not answer the command line
  'guard-refused', // a guard of a heal or of a backup said no
  'no-space', // the budget or the disk has no room
  'state-corrupt', // a file of our own state cannot be trusted
  'aborted', // stopped by a signal or by a deadline of the caller
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface WardenErrorOptions {
  /** What to do next, for the person who reads it. */
  readonly hint?: string;
  /** The original error, kept for debugging. */
  readonly cause?: unknown;
  /** Plain values that help a program; never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The one error class of the project: a closed `code`, a sentence for people, and the original as `cause`. */
export class WardenError extends Error {
  override readonly name = 'WardenError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: WardenErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error such as `ENOENT`, or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
