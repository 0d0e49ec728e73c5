import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { withDeadline } from '../../src/backup/deadline.ts';

const slow = async (signal: AbortSignal): Promise<void> => {
  await delay(60_000, undefined, { signal });
};

describe('a task with a deadline', () => {
  it('gives its result when it is in time, whatever fraction the deadline has', async () => {
    const result = await withDeadline({ what: 'a task', deadlineMs: 60_000.25 }, () => Promise.resolve(7));
    assert.equal(result, 7);
  });

  it('is aborted when it is late, and says after how long', async () => {
    const late = withDeadline({ what: 'a task', deadlineMs: 20 }, slow);
    await assert.rejects(late, { code: 'aborted', message: 'a task did not finish in 20 ms' });
  });

  it('is aborted by the caller, before its start too', async () => {
    const stop = new AbortController();
    const stopped = withDeadline({ what: 'a task', deadlineMs: 60_000, signal: stop.signal }, slow);
    stop.abort();
    await assert.rejects(stopped, { code: 'aborted', message: 'a task was stopped' });
    let started = false;
    const never = withDeadline({ what: 'a task', deadlineMs: 60_000, signal: stop.signal }, () => {
      started = true;
      return Promise.resolve();
    });
    await assert.rejects(never, { code: 'aborted' });
    assert.equal(started, false);
  });

  it('keeps an error that has nothing to do with time', async () => {
    const failing = withDeadline({ what: 'a task', deadlineMs: 60_000 }, () =>
      Promise.reject(new Error('broken')),
    );
    await assert.rejects(failing, { message: 'broken' });
  });
});
