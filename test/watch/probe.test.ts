import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { probeServer } from '../../src/watch/probe.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const LISTEN = `require('node:net').createServer(() => {}).listen(process.argv[1], () => console.log('up'))`;

test('a server that never was, and one that died and left its socket behind, are down', async (t) => {
  const socket = join(await temporaryDirectory(t), 'nb.ctl');
  const target = { database: 'nb', socket, timeoutMs: 500 } as const;
  assert.equal((await probeServer(target)).state, 'down');
  const child = spawn(process.execPath, ['-e', LISTEN, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  assert.equal((await probeServer(target)).state, 'silent', 'it listens and never answers');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal((await probeServer(target)).state, 'down');
});

test('a path through which nothing can be reached says nothing about the server', async (t) => {
  const directory = await temporaryDirectory(t);
  await mkdir(join(directory, 'sub'));
  const socket = join(directory, 'sub', 'x'.repeat(300));
  assert.equal((await probeServer({ database: 'nb', socket, timeoutMs: 500 })).state, 'silent');
});
