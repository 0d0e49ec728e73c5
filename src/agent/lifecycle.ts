import type { Clock } from '../lib/clock.ts';
import { WardenError, messageOf } from '../lib/errors.ts';

/** Something that was started and must be stopped. */
interface Started {
  readonly name: string;
  readonly stop: () => Promise<void>;
}

/** Stops what was started, last first, each within its deadline, whatever the others do. */
export class Lifecycle {
  readonly #started: Started[] = [];
  readonly #onTrouble: (what: string, error: unknown) => void;

  constructor(onTrouble: (what: string, error: unknown) => void) {
    this.#onTrouble = onTrouble;
  }

  onStop(name: string, stop: () => Promise<void>): void {
    this.#started.push({ name, stop });
  }

  async stop(deadlineMs: number): Promise<void> {
    for (const { name, stop } of this.#started.splice(0).toReversed()) {
      try {
        await withDeadline(stop(), deadlineMs, name);
      } catch (error) {
        this.#onTrouble(`stop ${name}`, new WardenError('aborted', messageOf(error), { cause: error }));
      }
    }
  }
}

/** Repeats `task` until `signal` aborts. A task that throws is reported and tried again at the next turn. */
export async function repeat(options: {
  readonly task: () => Promise<void>;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}): Promise<void> {
  const { task, intervalMs, clock, signal, onError } = options;
  while (!signal.aborted) {
    try {
      await task();
    } catch (error) {
      onError(error);
    }
    await clock.sleep(intervalMs, signal);
  }
}

async function withDeadline(work: Promise<void>, deadlineMs: number, name: string): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`${name} did not stop in ${String(deadlineMs)} ms`));
  }, deadlineMs);
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
