import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory, waitFor } from './support/index.ts';

const SUPPORT = new URL('./support/index.ts', import.meta.url).href;

/** A program that starts a cluster, prints the pids of its servers and then hangs. */
const PROGRAM = `
  const { startCluster } = await import(${JSON.stringify(SUPPORT)});
  const cluster = await startCluster({ database: 'nb', members: 2, dir: process.argv[1] });
  console.log(cluster.members.map((member) => member.pid).join(' '));
  setInterval(() => undefined, 1000);
`;

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`no server outlives the process that started it when that is ended by ${signal}`, async (t) => {
    const dir = join(temporaryDirectory(t), 'cluster');
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const pids = line.toString().trim().split(' ').map(Number);
    assert.equal(pids.filter(isServer).length, 2);
    child.kill(signal);
    assert.deepEqual(await once(child, 'exit'), [null, signal]);
    await waitFor('the servers to be gone', () => (pids.some(isServer) ? undefined : true));
  });
}

function isServer(pid: number): boolean {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes('ovsdb-server');
  } catch {
    return false;
  }
}
