import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type Server, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type TLSSocket, createServer as createTlsServer } from 'node:tls';
import { z } from 'zod';
import { filesOf, makePeerWorld, openStore, startClient } from './peer-world.ts';

const anything = z.object({});

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Asks a real TLS server of node a that does `misbehave` with each connection. */
async function askOf(t: TestContext, misbehave: (socket: TLSSocket) => void): Promise<unknown> {
  const world = await makePeerWorld(t);
  const { certFile, keyFile } = filesOf(world.certificates, 'a');
  const server = createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      misbehave(socket);
    });
  });
  return await askPort(t, await listen(t, server), world);
}

async function askPort(t: TestContext, port: number, world?: Awaited<ReturnType<typeof makePeerWorld>>) {
  const client = startClient(t, await openStore(world ?? (await makePeerWorld(t)), 'b'), 1_000);
  return await client.getJson({ node: 'a', url: `https://127.0.0.1:${String(port)}` }, '/x', anything);
}

test('nobody listening is unreachable', async (t) => {
  await assert.rejects(askPort(t, 1), { code: 'peer-unreachable', message: /ECONNREFUSED/ });
});

test('a server that accepts and says nothing is unreachable, in the time that was set', async (t) => {
  const startedAt = performance.now();
  await assert.rejects(askPort(t, await listen(t, createServer())), { code: 'peer-unreachable' });
  assert.ok(performance.now() - startedAt < 10_000);
});

test('a sibling that takes the question and says nothing is unreachable', async (t) => {
  await assert.rejects(
    askOf(t, () => undefined),
    { code: 'peer-unreachable', message: /no whole answer in 1000 ms/ },
  );
});

test('a sibling that dribbles its answer is unreachable', async (t) => {
  const dribble = (socket: TLSSocket): void => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n');
    const timer = setInterval(() => socket.write(' '), 50);
    socket.once('close', () => {
      clearInterval(timer);
    });
  };
  await assert.rejects(askOf(t, dribble), {
    code: 'peer-unreachable',
    message: /no whole answer in 1000 ms/,
  });
});

test('an answer that is cut in the middle is unreachable', async (t) => {
  await assert.rejects(
    askOf(t, (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"half":')),
    { code: 'peer-unreachable' },
  );
});

test('half a JSON text is invalid', async (t) => {
  await assert.rejects(
    askOf(t, (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{"half":')),
    { code: 'reply-invalid', message: /wanted JSON/ },
  );
});

test('an answer larger than is ever needed is invalid, told in advance or not', async (t) => {
  const body = 'x'.repeat(70_000);
  for (const head of ['content-length: 70000', 'connection: close'])
    await assert.rejects(
      askOf(t, (socket) => socket.end(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`)),
      { code: 'reply-invalid', message: /more than is ever needed/ },
    );
});

test('something else than HTTP is unreachable', async (t) => {
  await assert.rejects(
    askOf(t, (socket) => socket.end('220 mail ready\r\n')),
    { code: 'peer-unreachable' },
  );
});

test('a redirection is not followed', async (t) => {
  await assert.rejects(
    askOf(t, (socket) =>
      socket.end('HTTP/1.1 302 Found\r\nlocation: https://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n'),
    ),
    { code: 'peer-refused', message: /status 302/ },
  );
});
