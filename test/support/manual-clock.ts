import type { Clock } from '../../src/lib/clock.ts';

/** A clock that stands still until it is told otherwise; `sleep` moves it. */
export class ManualClock implements Clock {
  #wallMs: number;
  #monotonicMs = 1_000;

  constructor(wallMs = Date.parse('2026-11-24T03:00:00.000Z')) {
    this.#wallMs = wallMs;
  }

  nowMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  advance(ms: number): void {
    this.#wallMs += ms;
    this.#monotonicMs += ms;
  }

  /** The wall clock is set, as by an administrator or by NTP. */
  setWall(wallMs: number): void {
    this.#wallMs = wallMs;
  }

  sleep(ms: number): Promise<void> {
    this.advance(ms);
    return Promise.resolve();
  }
}
