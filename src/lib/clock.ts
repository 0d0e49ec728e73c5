import { setTimeout as delay } from 'node:timers/promises';

/** Time, injected so that rules about time can be tested without waiting. */
export interface Clock {
  /** Wall time in milliseconds since 1970; may jump. For people and for files. */
  nowMs(): number;
  /** Never goes back. For every deadline, age and patience. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts (it does not reject). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  },
};

/** `2026-11-24T03:00:00.000Z` for a wall time in milliseconds. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
