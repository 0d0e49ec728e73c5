import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { AgentSources } from '../../src/http/agent-app.ts';
import { type HttpServer, createHttpServer } from '../../src/http/http-server.ts';
import { exampleStatusDocument } from '../support/example-status.ts';
import { exampleSources } from './http-world.ts';

async function start(
  t: TestContext,
  parts: Partial<AgentSources> = {},
): Promise<HttpServer & { url: string }> {
  const server = await createHttpServer({ ...exampleSources(parts), host: '127.0.0.1', port: 0 });
  t.after(() => server.close(0));
  return { ...server, url: `http://127.0.0.1:${String(server.port)}` };
}

test('each route answers in its own type', async (t) => {
  const { url } = await start(t);
  for (const [path, type, pattern] of [
    ['/healthz', 'application/json', /^\{"ok":true\}$/],
    ['/readyz', 'application/json', /"ok":true/],
    ['/metrics', 'text/plain; version=0.0.4', /^# TYPE up gauge/],
    ['/api/v1/status', 'application/json', /"node":"a"/],
    ['/', 'text/html', /^<!doctype html>/],
  ] as const) {
    const response = await fetch(url + path);
    assert.equal(response.status, 200, path);
    assert.ok(response.headers.get('content-type')?.startsWith(type), path);
    assert.match(await response.text(), pattern);
  }
});

test('the status is whole, and never cached or framed', async (t) => {
  const { url } = await start(t);
  const response = await fetch(`${url}/api/v1/status`);
  assert.deepEqual(await response.json(), exampleStatusDocument());
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/);
});

test('an agent that does not watch is alive and not ready, and says why', async (t) => {
  const because = 'the server of nb has not answered for 40 s';
  const { url } = await start(t, { isWatching: () => ({ ok: false, because }) });
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  const response = await fetch(`${url}/readyz`);
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), { ok: false, because });
});

test('readiness goes off before the listener does', async (t) => {
  const server = await start(t);
  server.stopReadiness();
  const response = await fetch(`${server.url}/readyz`);
  assert.deepEqual(await response.json(), { ok: false, because: 'the agent is stopping' });
  assert.equal((await fetch(`${server.url}/metrics`)).status, 200);
});

test('nothing can be changed through the plain port', async (t) => {
  const { url } = await start(t);
  for (const [method, path] of [
    ['POST', '/api/v1/backup'],
    ['POST', '/api/v1/status'],
    ['DELETE', '/'],
    ['GET', '/etc/passwd'],
  ] as const) {
    const response = await fetch(url + path, { method });
    assert.equal(response.status, 404, path);
    assert.deepEqual(await response.json(), {
      error: { code: 'usage', message: `there is no ${method} ${path}` },
    });
  }
});

test('an error in a source is reported and answered, and the server lives on', async (t) => {
  const errors: string[] = [];
  const { url } = await start(t, {
    metrics: () => Promise.reject(new Error('registry broken')),
    onError: (error) => errors.push(error.message),
  });
  assert.equal((await fetch(`${url}/metrics`)).status, 500);
  assert.deepEqual(errors, ['registry broken']);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test('binary noise gets a 400 and the server lives on', async (t) => {
  const { url, port } = await start(t);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 37) % 256)));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 400/);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test('a kept-alive connection does not hold up the end', async (t) => {
  const server = await start(t);
  const agent = new Agent({ keepAlive: true });
  t.after(() => {
    agent.destroy();
  });
  const [response] = (await once(get({ agent, port: server.port, path: '/metrics' }), 'response')) as [
    NodeJS.ReadableStream,
  ];
  response.resume();
  await once(response, 'end');
  const startedAt = performance.now();
  await server.close(60_000);
  assert.ok(performance.now() - startedAt < 30_000);
});

test('a port that is taken is an error', async (t) => {
  const { port } = await start(t);
  await assert.rejects(createHttpServer({ ...exampleSources(), host: '127.0.0.1', port }), {
    code: 'EADDRINUSE',
  });
});
