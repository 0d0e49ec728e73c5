import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type BackupScheduleOptions,
  type ScheduleEvent,
  checkCronExpression,
  isBackupTooOld,
  startBackupSchedule,
} from '../../src/backup/schedule.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { waitFor } from '../engine/support/index.ts';

const MINUTE_MS = 60_000;
const NEVER = '0 0 29 2 *';

/** Sleeps end when the test moves the time on. */
class HandClock implements Clock {
  readonly sleepsMs: number[] = [];
  #nowMs = Date.UTC(2026, 0, 1);
  #wake: (() => void) | undefined;

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    this.sleepsMs.push(ms);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#wake = () => {
      resolve(undefined);
    };
    signal?.addEventListener('abort', this.#wake, { once: true });
    await promise;
  }

  /** Waits until somebody sleeps, moves on, and waits for the next sleep. */
  async pass(ms: number): Promise<void> {
    const wake = await waitFor('a sleep', () => this.#wake);
    const before = this.sleepsMs.length;
    this.#nowMs += ms;
    this.#wake = undefined;
    wake();
    await waitFor('the next sleep', () => (this.sleepsMs.length > before ? true : undefined));
  }

  async asleep(): Promise<void> {
    await waitFor('a sleep', () => this.#wake);
  }
}

interface World {
  readonly clock: HandClock;
  readonly events: ScheduleEvent[];
  readonly stop: AbortController;
  readonly stopped: Promise<'in-time' | 'too-late'>;
  newestMs: number | null;
  outcome: boolean | Error;
  runs: number;
}

interface Changes extends Partial<BackupScheduleOptions> {
  /** Null: there is no backup yet. Not given: one was taken just now. */
  readonly newestMs?: null;
  readonly outcome?: boolean | Error;
}

function start(t: TestContext, changes: Changes = {}): World {
  const clock = new HandClock();
  const stop = new AbortController();
  const world: World = {
    clock,
    stop,
    events: [],
    newestMs: changes.newestMs === null ? null : clock.nowMs(),
    outcome: changes.outcome ?? true,
    runs: 0,
    stopped: Promise.resolve('in-time'),
  };
  const { stopped } = startBackupSchedule({
    expression: NEVER,
    maxAgeMs: 10 * MINUTE_MS,
    newestVerifiedAtMs: () => Promise.resolve(world.newestMs),
    run: () => {
      world.runs += 1;
      if (world.outcome instanceof Error) return Promise.reject(world.outcome);
      if (world.outcome) world.newestMs = clock.nowMs();
      return Promise.resolve(world.outcome);
    },
    onEvent: (event) => world.events.push(event),
    clock,
    signal: stop.signal,
    stopTimeoutMs: 5_000,
    ...changes,
  });
  t.after(() => {
    stop.abort();
  });
  return Object.assign(world, { stopped });
}

const types = (world: World): string[] => world.events.map(({ type, trigger }) => `${type} ${trigger}`);

describe('the age rule', () => {
  const rows: readonly [string, number | null, boolean][] = [
    ['no backup at all', null, true],
    ['one taken now', 0, false],
    ['one exactly as old as allowed', -60_000, false],
    ['one that is older', -60_001, true],
    ['one a little in the future', 1_000, false],
    ['one far in the future, after the clock jumped back', 3_600_000, true],
  ];
  for (const [what, offsetMs, tooOld] of rows) {
    it(`calls ${what} ${tooOld ? 'too old' : 'young enough'}`, () => {
      const nowMs = Date.UTC(2026, 0, 1);
      assert.equal(isBackupTooOld(offsetMs === null ? null : nowMs + offsetMs, nowMs, 60_000), tooOld);
    });
  }
});

describe('the backup schedule', () => {
  it('takes a backup at once when there is none', async (t) => {
    const world = start(t, { newestMs: null });
    await world.clock.asleep();
    assert.deepEqual(types(world), ['started age', 'finished age']);
  });

  it('looks every minute, and takes one as soon as the newest is too old', async (t) => {
    const world = start(t);
    for (let minute = 1; minute <= 10; minute += 1) await world.clock.pass(MINUTE_MS);
    assert.equal(world.runs, 0);
    await world.clock.pass(MINUTE_MS);
    assert.equal(world.runs, 1);
    await world.clock.pass(MINUTE_MS);
    assert.equal(world.runs, 1);
    assert.ok(world.clock.sleepsMs.every((ms) => ms === MINUTE_MS));
  });

  it('tries less and less often while backups fail or are suspect, and as before after a good one', async (t) => {
    const world = start(t, { newestMs: null, outcome: new Error('the disk is full') });
    await world.clock.asleep();
    world.outcome = false;
    for (let round = 0; round < 7; round += 1) await world.clock.pass(world.clock.sleepsMs.at(-1) ?? 0);
    assert.deepEqual(
      world.clock.sleepsMs.map((ms) => ms / MINUTE_MS),
      [2, 4, 8, 16, 32, 60, 60, 60],
    );
    assert.deepEqual(types(world).slice(0, 4), ['started age', 'failed age', 'started age', 'finished age']);
    world.outcome = true;
    await world.clock.pass(60 * MINUTE_MS);
    assert.equal(world.clock.sleepsMs.at(-1), MINUTE_MS);
  });

  it('takes a backup when it cannot be told how old the newest is', async (t) => {
    const world = start(t, { newestVerifiedAtMs: () => Promise.reject(new Error('no such directory')) });
    await world.clock.asleep();
    assert.deepEqual(types(world), ['failed age', 'started age', 'finished age']);
  });

  it('runs at the times of the expression, one at a time, and counts what overlaps', async (t) => {
    let inside = 0;
    let most = 0;
    const world = start(t, {
      expression: '* * * * * *',
      run: async () => {
        inside += 1;
        most = Math.max(most, inside);
        await delay(1_500);
        inside -= 1;
        return true;
      },
    });
    await waitFor('two runs', () =>
      types(world).filter((type) => type === 'finished cron').length >= 2 ? true : undefined,
    );
    world.stop.abort();
    assert.equal(await world.stopped, 'in-time');
    assert.equal(most, 1);
    assert.ok(types(world).includes('overlap cron'));
  });

  it('counts a planned time that passed while the process was too busy', async (t) => {
    const world = start(t, { expression: '* * * * * *' });
    await waitFor('a first run', () => (types(world).includes('finished cron') ? true : undefined));
    const until = performance.now() + 3_500;
    while (performance.now() < until);
    await waitFor('a missed run', () => (types(world).includes('missed cron') ? true : undefined));
  });

  it('ends the run that is going on, and waits for it, when it is told to stop', async (t) => {
    let ended = false;
    const world = start(t, {
      newestMs: null,
      run: async (_trigger, signal) => {
        await delay(60_000, undefined, { signal }).catch(() => undefined);
        await delay(50);
        ended = true;
        return false;
      },
    });
    await waitFor('the start', () => (types(world).includes('started age') ? true : undefined));
    world.stop.abort();
    assert.equal(await world.stopped, 'in-time');
    assert.ok(ended);
  });

  it('does not wait for ever for a run that does not end', async (t) => {
    const { promise: held, resolve: release } = Promise.withResolvers<boolean>();
    const world = start(t, { newestMs: null, run: () => held, stopTimeoutMs: 100 });
    await waitFor('the start', () => (types(world).includes('started age') ? true : undefined));
    world.stop.abort();
    assert.equal(await world.stopped, 'too-late');
    release(false);
  });

  it('names every fault of a bad expression', () => {
    checkCronExpression('17 * * * *');
    for (const expression of ['61 25 * * *', 'soon', '', '* * * *']) {
      assert.throws(
        () => {
          checkCronExpression(expression);
        },
        { code: 'config-invalid' },
        expression,
      );
    }
    assert.throws(() => {
      checkCronExpression('61 25 * * *');
    }, /minute.*hour/s);
  });
});
