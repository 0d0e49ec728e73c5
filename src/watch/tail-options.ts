import type { Clock } from '../lib/clock.ts';
import type { Database } from '../ovsdb/database.ts';
import type { LogLine } from './log-joiner.ts';

/** A log to follow by name. */
export interface TailedFile {
  readonly path: string;
  /** The database that its lines speak of when they name none. */
  readonly database: Database | null;
}

/** One line of a followed log. */
export interface TailLine extends LogLine {
  /** Names this line for ever: the same after every restart and rotation, and never that of another line. */
  readonly id: string;
  /** True when the line was there before the log was first looked at. */
  readonly historic: boolean;
}

/** Lines of one file in their order; at most one chunk of the file, so bounded. */
export interface TailBatch extends TailedFile {
  readonly lines: readonly TailLine[];
}

/** What the tail reports to the log of the agent; a pino logger fits. */
export interface TailLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Everything countable, since the start of the process. */
export interface TailCounters {
  lines: number;
  bytes: number;
  rotations: number;
  /** Generations whose rest could not be found after a rotation or truncation. */
  lostGenerations: number;
  readErrors: number;
  /** Batches that the consumer refused; they are handed over again. */
  handoverErrors: number;
  checkpointErrors: number;
  /** Failures of the file watcher; polling goes on. */
  watchErrors: number;
  /** Rounds in which new lines were found, by what had started the round. */
  foundByEvent: number;
  foundByPoll: number;
}

export interface TailOptions {
  readonly files: readonly TailedFile[];
  /** Where positions are kept. Its directory must exist. */
  readonly checkpointFile: string;
  readonly clock: Clock;
  readonly log: TailLog;
  /**
   * Takes over a batch. When it resolves, the lines count as dealt with. When it rejects, they come again. After a crash
   * between the two, or before the next checkpoint, they come again too, with the same ids.
   */
  readonly onLines: (batch: TailBatch) => Promise<void>;
  /** Longest time between two looks at the files, events or not. Default 1 s. */
  readonly pollMs?: number;
  /** A rotated file that was quiet for this long is closed. Default 10 s. */
  readonly lingerMs?: number;
  /** Shortest time between two writes of the checkpoint. Default 1 s. */
  readonly checkpointMs?: number;
}

export function zeroCounters(): TailCounters {
  return {
    lines: 0,
    bytes: 0,
    rotations: 0,
    lostGenerations: 0,
    readErrors: 0,
    handoverErrors: 0,
    checkpointErrors: 0,
    watchErrors: 0,
    foundByEvent: 0,
    foundByPoll: 0,
  };
}
