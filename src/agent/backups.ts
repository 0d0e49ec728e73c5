import type { Copies } from '../backup/copies.ts';
import { prune } from '../backup/prune.ts';
import { type BackupTrigger, startBackupSchedule } from '../backup/schedule.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { WardenError } from '../lib/errors.ts';
import type { Database } from '../ovsdb/database.ts';
import type { CopyKeeper } from './copy-keeper.ts';

export interface BackupEvents {
  /** A backup ended: `verified`, `suspect` (stored, yet it counts as none) or `failed`. */
  taken(database: Database, outcome: 'verified' | 'suspect' | 'failed', detail: unknown): void;
  skipped(database: Database, why: 'missed' | 'overlap'): void;
  pruned(removedItems: number, missingBytes: number): void;
  /** Nothing was removed; copies go on to be made. */
  pruneFailed(error: unknown): void;
}

export interface BackupsOptions {
  readonly config: Config;
  readonly copies: Copies;
  readonly keeper: CopyKeeper;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly stopTimeoutMs: number;
  /** True while some member's data is in doubt: nothing is pruned then. */
  readonly isFrozen: () => boolean;
  readonly events: BackupEvents;
}

/** Starts the schedule of every database of this host; the promise ends with the signal. */
export async function runBackups(options: BackupsOptions, databases: readonly Database[]): Promise<void> {
  const { config, copies, clock, signal, stopTimeoutMs, events } = options;
  const { schedule: expression, maxAgeMs } = config.backup;
  const schedules = databases.map((database) =>
    startBackupSchedule({
      expression,
      maxAgeMs,
      newestVerifiedAtMs: async () => await newestVerifiedAtMs(copies, database),
      run: async (trigger, runSignal) => await takeAndPrune(options, database, trigger, runSignal),
      onEvent: (event) => {
        if (event.type === 'missed' || event.type === 'overlap') events.skipped(database, event.type);
        if (event.type === 'failed') events.taken(database, 'failed', event.error);
      },
      clock,
      signal,
      stopTimeoutMs,
    }),
  );
  const ends = await Promise.all(schedules.map(async ({ stopped }) => await stopped));
  if (ends.includes('too-late')) throw new WardenError('aborted', 'a backup did not stop in time');
}

/** Takes one backup by request and answers with what was stored. */
export async function takeByRequest(options: BackupsOptions, database: Database) {
  const { item, outcome } = await options.keeper.backup(
    database,
    'asked for on the command line',
    options.signal,
  );
  options.events.taken(database, item.verdict.state, item.id);
  await pruneSurplus(options);
  return { database, outcome, id: item.id, verdict: item.verdict, files: item.files };
}

async function takeAndPrune(
  options: BackupsOptions,
  database: Database,
  trigger: BackupTrigger,
  signal: AbortSignal,
): Promise<boolean> {
  const { keeper, events } = options;
  const reason = trigger === 'cron' ? 'schedule' : 'the newest verified backup was too old';
  const { item } = await keeper.backup(database, reason, signal);
  events.taken(database, item.verdict.state, item.id);
  await pruneSurplus(options);
  return item.verdict.state === 'verified';
}

/** A copy that is safe stays a success when nothing could be pruned after it. */
async function pruneSurplus({ copies, clock, isFrozen, config, events }: BackupsOptions): Promise<void> {
  try {
    const { plan } = await prune(copies, { policy: config.backup, frozen: isFrozen(), clock });
    events.pruned(plan.remove.length, plan.missingBytes);
  } catch (error) {
    events.pruneFailed(error);
  }
}

async function newestVerifiedAtMs(copies: Copies, database: Database): Promise<number | null> {
  const { items } = await copies.read();
  const newest = items.findLast(
    (item) => item.kind === 'backup' && item.database === database && item.verdict.state === 'verified',
  );
  return newest === undefined ? null : Date.parse(newest.confirmedAt);
}
