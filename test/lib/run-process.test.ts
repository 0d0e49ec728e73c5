import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type RunResult, runProcess } from '../../src/lib/run-process.ts';
import { temporaryDirectory, waitFor } from '../engine/support/index.ts';

async function runShell(
  script: string,
  options: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<RunResult> {
  return await runProcess({ file: '/bin/sh', args: ['-c', script], timeoutMs: 10_000, ...options });
}

test('both streams and the exit code come back; a code other than 0 is a result', async () => {
  assert.deepEqual(await runShell('echo out; echo err >&2; exit 3'), {
    exitCode: 3,
    stdout: 'out\n',
    stderr: 'err\n',
  });
});

test('arguments reach the program as they are: no shell looks at them', async () => {
  const { stdout } = await runProcess({
    file: '/bin/echo',
    args: ['$HOME', '; false', '*'],
    timeoutMs: 10_000,
  });
  assert.equal(stdout, '$HOME ; false *\n');
});

test('the program gets a plain environment', async () => {
  const { stdout } = await runProcess({ file: '/usr/bin/env', args: [], timeoutMs: 10_000 });
  assert.deepEqual(stdout.trim().split('\n').sort(), ['LC_ALL=C', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin']);
});

test('a deadline kills the whole group, grandchildren too', async (t) => {
  const pidFile = join(temporaryDirectory(t), 'pid');
  const started = performance.now();
  const run = runShell(`sleep 60 & echo $! > ${pidFile}; sleep 60`, { timeoutMs: 500 });
  await assert.rejects(run, { code: 'tool-failed', message: '/bin/sh did not finish in 500 ms' });
  assert.ok(performance.now() - started < 20_000);
  const grandchild = Number(readFileSync(pidFile, 'utf8'));
  await waitFor('the grandchild to be gone', () => (isAlive(grandchild) ? undefined : true));
});

test('a signal that aborts kills the whole group', async (t) => {
  const pidFile = join(temporaryDirectory(t), 'pid');
  const controller = new AbortController();
  const run = runShell(`sleep 60 & echo $! > ${pidFile}.tmp; mv ${pidFile}.tmp ${pidFile}; wait`, {
    signal: controller.signal,
  });
  await waitFor('the grandchild', () => (existsSync(pidFile) ? true : undefined));
  controller.abort();
  await assert.rejects(run, { code: 'aborted' });
  const grandchild = Number(readFileSync(pidFile, 'utf8'));
  await waitFor('the grandchild to be gone', () => (isAlive(grandchild) ? undefined : true));
});

test('a signal that was aborted before ends the run at once', async () => {
  await assert.rejects(runShell('sleep 60', { signal: AbortSignal.abort() }), { code: 'aborted' });
});

for (const stream of ['1', '2']) {
  test(`endless output on stream ${stream} ends the run`, async () => {
    const run = runProcess({
      file: '/bin/sh',
      args: ['-c', `yes >&${stream}`],
      timeoutMs: 20_000,
      maxOutputBytes: 100_000,
    });
    await assert.rejects(run, { code: 'tool-failed', message: '/bin/sh printed more than 100000 bytes' });
  });
}

test('output of exactly the cap is fine', async () => {
  const { stdout } = await runProcess({
    file: '/usr/bin/head',
    args: ['-c', '100000', '/dev/zero'],
    timeoutMs: 10_000,
    maxOutputBytes: 100_000,
  });
  assert.equal(stdout.length, 100_000);
});

test('a program that is not there or may not run is a failed tool', async () => {
  const run = (file: string): Promise<RunResult> => runProcess({ file, args: [], timeoutMs: 10_000 });
  await assert.rejects(run('/nonexistent/tool'), { code: 'tool-failed', message: /ENOENT/ });
  await assert.rejects(run('/etc/passwd'), { code: 'tool-failed', message: /EACCES/ });
});

test('a program that dies of a signal has no exit code', async () => {
  assert.equal((await runShell('kill -9 $$')).exitCode, null);
});

/** A zombie is dead, though its pid still answers. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  } catch {
    return false;
  }
}
