import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 40;

/**
 * Asks `look` again and again until it gives something else than undefined.
 * @throws Error naming `what` after `timeoutMs`, with the last error of `look` as cause.
 */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  while (performance.now() < deadline) {
    try {
      const found = await look();
      if (found !== undefined) return found;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await delay(POLL_MS);
  }
  throw new Error(`waited ${String(timeoutMs)} ms in vain for ${what}`, { cause: lastError });
}
