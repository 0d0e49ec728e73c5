import nodeCron from 'node-cron';
import type { Clock } from '../lib/clock.ts';
import { WardenError, messageOf } from '../lib/errors.ts';

export type BackupTrigger = 'cron' | 'age';

/** `missed`: the process was too busy at a planned time. `overlap`: the one before was still running. */
export type ScheduleEvent =
  | { readonly type: 'started' | 'missed' | 'overlap'; readonly trigger: BackupTrigger }
  | { readonly type: 'finished'; readonly trigger: BackupTrigger; readonly verified: boolean }
  | { readonly type: 'failed'; readonly trigger: BackupTrigger; readonly error: unknown };

export interface BackupScheduleOptions {
  /** Five or six fields, read in UTC: no daylight saving time skips or repeats a run there. */
  readonly expression: string;
  readonly maxAgeMs: number;
  /** Wall time at which the newest verified backup was last known to equal the live file; null when there is none. */
  readonly newestVerifiedAtMs: () => Promise<number | null>;
  /** Takes one backup; true when it is a verified one. */
  readonly run: (trigger: BackupTrigger, signal: AbortSignal) => Promise<boolean>;
  readonly onEvent: (event: ScheduleEvent) => void;
  readonly clock: Clock;
  /** Ends the schedule and the run that is going on. */
  readonly signal: AbortSignal;
  readonly stopTimeoutMs: number;
}

export interface BackupSchedule {
  /** Resolves when everything has ended after the signal; after `stopTimeoutMs` at the latest. */
  readonly stopped: Promise<'in-time' | 'too-late'>;
}

const CHECK_INTERVAL_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** A backup dated further ahead than this says nothing about its age: the clock jumped. */
const CLOCK_TOLERANCE_MS = 300_000;

/** @throws WardenError `config-invalid` with every fault of a cron expression. */
export function checkCronExpression(expression: string): void {
  const { valid, errors } = nodeCron.validateDetailed(expression);
  if (valid) return;
  const faults = errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new WardenError(
    'config-invalid',
    `wanted a cron expression, got ${JSON.stringify(expression)} (${faults})`,
  );
}

/**
 * Runs backups of one database at the times of a cron expression, and whenever the newest verified one is too old.
 * The second rule is checked at once and every minute, because cron catches nothing up that was missed, failed or
 * fell into a restart.
 * @throws WardenError `config-invalid` for a bad expression.
 */
export function startBackupSchedule(options: BackupScheduleOptions): BackupSchedule {
  checkCronExpression(options.expression);
  const runner = new SingleRunner(options);
  const task = nodeCron.schedule(options.expression, () => runner.run('cron'), {
    timezone: 'Etc/UTC',
    noOverlap: true,
    suppressMissedWarning: true,
    logger: silent,
  });
  task.on('execution:missed', () => {
    options.onEvent({ type: 'missed', trigger: 'cron' });
  });
  task.on('execution:overlap', () => {
    options.onEvent({ type: 'overlap', trigger: 'cron' });
  });
  const watching = watchAge(options, runner);
  return {
    stopped: stopAfterSignal(options, async () => {
      await task.destroy();
      await watching;
      await runner.idle();
    }),
  };
}

/** At most one backup at a time, whoever asks. A failure is an event, never an exception. */
class SingleRunner {
  readonly #options: BackupScheduleOptions;
  #running: Promise<boolean> | undefined;

  constructor(options: BackupScheduleOptions) {
    this.#options = options;
  }

  async run(trigger: BackupTrigger): Promise<boolean> {
    if (this.#options.signal.aborted) return false;
    if (this.#running !== undefined) {
      this.#options.onEvent({ type: 'overlap', trigger });
      return await this.#running;
    }
    this.#running = this.#runOnce(trigger);
    try {
      return await this.#running;
    } finally {
      this.#running = undefined;
    }
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  async #runOnce(trigger: BackupTrigger): Promise<boolean> {
    const { onEvent, run, signal } = this.#options;
    onEvent({ type: 'started', trigger });
    try {
      const verified = await run(trigger, signal);
      onEvent({ type: 'finished', trigger, verified });
      return verified;
    } catch (error) {
      onEvent({ type: 'failed', trigger, error });
      return false;
    }
  }
}

/** After a run without a verified backup it waits longer each time, so that a lasting fault is no storm of reads. */
async function watchAge(options: BackupScheduleOptions, runner: SingleRunner): Promise<void> {
  let pauseMs = CHECK_INTERVAL_MS;
  while (!options.signal.aborted) {
    const good = !(await isTooOld(options)) || (await runner.run('age'));
    pauseMs = good ? CHECK_INTERVAL_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    await options.clock.sleep(pauseMs, options.signal);
  }
}

async function isTooOld(options: BackupScheduleOptions): Promise<boolean> {
  try {
    return isBackupTooOld(await options.newestVerifiedAtMs(), options.clock.nowMs(), options.maxAgeMs);
  } catch (error) {
    const wrapped = new WardenError(
      'state-corrupt',
      `cannot tell how old the newest backup is: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
    options.onEvent({ type: 'failed', trigger: 'age', error: wrapped });
    return true;
  }
}

/** The age rule. No backup, and one dated in the future, are too old. */
export function isBackupTooOld(newestVerifiedAtMs: number | null, nowMs: number, maxAgeMs: number): boolean {
  if (newestVerifiedAtMs === null) return true;
  const ageMs = nowMs - newestVerifiedAtMs;
  return ageMs > maxAgeMs || ageMs < -CLOCK_TOLERANCE_MS;
}

async function stopAfterSignal(
  options: BackupScheduleOptions,
  stop: () => Promise<void>,
): Promise<'in-time' | 'too-late'> {
  await aborted(options.signal);
  const { promise: tooLate, resolve } = Promise.withResolvers<'too-late'>();
  // Real time: shutting down is not a rule to be tested with another clock, and must end.
  const timer = setTimeout(resolve, options.stopTimeoutMs, 'too-late');
  try {
    return await Promise.race([stop().then(() => 'in-time' as const), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  signal.addEventListener(
    'abort',
    () => {
      resolve(undefined);
    },
    { once: true },
  );
  await promise;
}

/** Everything that matters is told through `onEvent`. */
const silent = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  debug: () => undefined,
};
