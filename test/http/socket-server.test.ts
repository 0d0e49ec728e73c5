import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat, unlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type SocketServer, createSocketServer } from '../../src/http/socket-server.ts';
import { WardenError } from '../../src/lib/errors.ts';
import type { Database } from '../../src/ovsdb/database.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { exampleSources } from './http-world.ts';

async function start(
  t: TestContext,
  path: string,
  takeBackups: (databases: readonly Database[]) => Promise<unknown> = (databases) =>
    Promise.resolve({ databases }),
): Promise<SocketServer> {
  const server = await createSocketServer({ ...exampleSources(), path, takeBackups });
  t.after(() => server.close(0));
  return server;
}

async function call(socketPath: string, method: string, path: string, body?: unknown) {
  const outgoing = request({ socketPath, method, path, headers: { 'content-type': 'application/json' } });
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(outgoing, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, body: JSON.parse(text) as unknown };
}

test('only the owner may use the socket, and nothing else is left beside it', async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'agent.sock');
  const server = await start(t, path);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(directory), ['agent.sock']);
  assert.equal((await call(path, 'GET', '/api/v1/status')).status, 200);
  await server.close(1_000);
  assert.deepEqual(await readdir(directory), []);
});

test('a backup is taken of the databases that were asked for', async (t) => {
  const path = join(await temporaryDirectory(t), 'agent.sock');
  await start(t, path);
  const answer = await call(path, 'POST', '/api/v1/backup', { databases: ['sb', 'sb'] });
  assert.deepEqual(answer, { status: 200, body: { databases: ['sb'] } });
  for (const body of [
    undefined,
    {},
    { databases: [] },
    { databases: ['xx'] },
    { databases: ['nb'], all: true },
  ])
    assert.equal((await call(path, 'POST', '/api/v1/backup', body)).status, 400);
});

test('a backup that is refused says so with its hint', async (t) => {
  const path = join(await temporaryDirectory(t), 'agent.sock');
  await start(t, path, () =>
    Promise.reject(new WardenError('guard-refused', 'another heal is running', { hint: 'try later' })),
  );
  assert.deepEqual(await call(path, 'POST', '/api/v1/backup', { databases: ['nb'] }), {
    status: 409,
    body: { error: { code: 'guard-refused', message: 'another heal is running', hint: 'try later' } },
  });
});

test('the socket of a killed agent is replaced', async (t) => {
  const path = join(await temporaryDirectory(t), 'agent.sock');
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('listening'))`;
  const dead = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(dead.stdout, 'data');
  dead.kill('SIGKILL');
  await once(dead, 'exit');
  assert.ok((await stat(path)).isSocket());
  await start(t, path);
  assert.equal((await call(path, 'GET', '/healthz')).status, 200);
});

test('the socket of a living agent is left alone', async (t) => {
  const path = join(await temporaryDirectory(t), 'agent.sock');
  await start(t, path);
  await assert.rejects(start(t, path), {
    code: 'config-invalid',
    message: /another agent already listens on/,
  });
  assert.equal((await call(path, 'GET', '/healthz')).status, 200);
});

test('a file that is no socket, and a path too long for one, are refused with a hint', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'agent.sock');
  await writeFile(file, 'precious');
  await assert.rejects(start(t, file), { code: 'config-invalid', message: /is not a socket/ });
  await assert.rejects(start(t, join(directory, 'x'.repeat(120))), {
    code: 'config-invalid',
    message: /too long for a socket/,
  });
});

test('an agent that ends late does not remove the socket of its successor', async (t) => {
  const path = join(await temporaryDirectory(t), 'agent.sock');
  const first = await start(t, path);
  await unlink(path);
  await start(t, path);
  await first.close(1_000);
  assert.equal((await call(path, 'GET', '/healthz')).status, 200);
});
