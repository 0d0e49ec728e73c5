import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServerCloser } from '../../src/lib/server-closer.ts';

async function startSlowServer(t: TestContext, answerAfterMs: number) {
  const server = createServer((_request, response) => {
    setTimeout(() => response.end('whole'), answerAfterMs).unref();
  });
  server.keepAliveTimeout = 60_000;
  const closed = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  const close = createServerCloser(server, closed);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
  });
  const agent = new Agent({ keepAlive: true });
  t.after(() => {
    agent.destroy();
  });
  return { server, close, request: () => get({ agent, port: (server.address() as AddressInfo).port }) };
}

async function bodyOf(request: ReturnType<typeof get>): Promise<string> {
  return await new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.once('end', () => {
        resolve(text);
      });
      response.once('error', reject);
    });
  });
}

test('a request in flight ends whole, and the kept-alive connection does not hold up the end', async (t) => {
  const { server, close, request } = await startSlowServer(t, 500);
  const arrived = once(server, 'request');
  const body = bodyOf(request());
  await arrived;
  const startedAt = performance.now();
  await close(30_000);
  assert.ok(performance.now() - startedAt < 20_000);
  assert.equal(await body, 'whole');
});

test('a request that does not end is cut when the deadline is over', async (t) => {
  const { server, close, request } = await startSlowServer(t, 600_000);
  const arrived = once(server, 'request');
  const body = assert.rejects(bodyOf(request()));
  await arrived;
  await close(300);
  await body;
});
