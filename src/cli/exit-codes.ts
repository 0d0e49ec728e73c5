import { WardenError } from '../lib/errors.ts';

/** What every command of ovn-warden exits with. */
export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  /** Something bad was found: a corrupt file, a finding in a log, an unhealthy cluster. */
  found: 3,
  /** A guard refused. */
  refused: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit code for anything that was thrown. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof WardenError)) return EXIT.error;
  if (error.code === 'usage') return EXIT.usage;
  return error.code === 'guard-refused' ? EXIT.refused : EXIT.error;
}
