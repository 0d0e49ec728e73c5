import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { type ConnectionOptions, type TLSSocket, connect } from 'node:tls';
import { z } from 'zod';
import { filesOf, makePeerWorld, openStore, startClient, startServer, type PeerWorld } from './peer-world.ts';

const REQUEST = 'GET /peer/v1/who HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';

function dial(
  world: PeerWorld,
  port: number,
  node: string | null,
  options: ConnectionOptions = {},
): TLSSocket {
  const files = node === null ? undefined : filesOf(world.certificates, node);
  const { caFile } = filesOf(world.certificates, 'a');
  return connect({
    host: '127.0.0.1',
    port,
    servername: 'a',
    ca: readFileSync(caFile),
    ...(files === undefined ? {} : { cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) }),
    ...options,
  });
}

/** Everything that arrives until the connection ends, however it ends. */
async function readToEnd(socket: TLSSocket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const failed = new Promise<string>((resolve) =>
    socket.once('error', (error: Error) => {
      resolve(`ended by ${error.message}`);
    }),
  );
  const closed = once(socket, 'close').then(
    () => text,
    () => text,
  );
  return await Promise.race([failed, closed]);
}

test('a caller without a certificate gets no answer', async (t) => {
  const world = await makePeerWorld(t);
  const { port } = await startServer(t, await openStore(world, 'a'));
  const stranger = dial(world, port, null);
  stranger.write(REQUEST);
  assert.match(await readToEnd(stranger), /^ended by .*certificate required|^$/);
  const sibling = dial(world, port, 'b');
  sibling.write(REQUEST);
  assert.match(await readToEnd(sibling), /^HTTP\/1\.1 200 OK[^]*\{"caller":"b"\}/);
});

test('TLS before 1.3 and plain HTTP get no answer', async (t) => {
  const world = await makePeerWorld(t);
  const { port } = await startServer(t, await openStore(world, 'a'));
  const old = dial(world, port, 'b', { maxVersion: 'TLSv1.2' });
  old.write(REQUEST);
  assert.match(await readToEnd(old), /^ended by .*protocol version/);
  const plain = connectTcp(port, '127.0.0.1');
  plain.on('error', () => undefined);
  plain.write(REQUEST);
  let text = '';
  plain.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  await once(plain, 'close');
  assert.doesNotMatch(text, /HTTP/);
});

test('a request that never becomes whole is cut off', async (t) => {
  const world = await makePeerWorld(t);
  const { port } = await startServer(t, await openStore(world, 'a'), { requestTimeoutMs: 500 });
  const loris = dial(world, port, 'b');
  loris.write('GET /peer/v1/who HTTP/1.1\r\n');
  const drip = setInterval(() => loris.write('x: y\r\n'), 100);
  t.after(() => {
    clearInterval(drip);
  });
  assert.match(await readToEnd(loris), /^HTTP\/1\.1 408|^ended by|^$/);
});

test('a connection that never begins TLS is cut off', async (t) => {
  const world = await makePeerWorld(t);
  const { port } = await startServer(t, await openStore(world, 'a'), { requestTimeoutMs: 500 });
  const mute = connectTcp(port, '127.0.0.1');
  mute.on('error', () => undefined);
  await once(mute, 'close');
});

test('connections beyond the limit are dropped and siblings are served again afterwards', async (t) => {
  const world = await makePeerWorld(t);
  const { port } = await startServer(t, await openStore(world, 'a'));
  const crowd = Array.from({ length: 80 }, () => connectTcp(port, '127.0.0.1'));
  let dropped = 0;
  const settled = crowd.map(async (socket) => {
    socket.on('error', () => undefined);
    socket.on('close', () => (dropped += 1));
    await once(socket, 'connect');
  });
  await Promise.all(settled);
  const startedAt = performance.now();
  while (dropped < 16 && performance.now() - startedAt < 8_000)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(dropped >= 16, `only ${String(dropped)} were dropped`);
  for (const socket of crowd) socket.destroy();
  const client = startClient(t, await openStore(world, 'b'), 2_000);
  const ask = () =>
    client.getJson(
      { node: 'a', url: `https://127.0.0.1:${String(port)}` },
      '/peer/v1/who',
      z.object({ caller: z.string() }),
    );
  assert.deepEqual(await ask().catch(ask), { caller: 'b' });
});

test('closing cuts what does not end by itself when the deadline is over', async (t) => {
  const world = await makePeerWorld(t);
  const server = await startServer(t, await openStore(world, 'a'));
  const mute = connectTcp(server.port, '127.0.0.1');
  mute.on('error', () => undefined);
  await once(mute, 'connect');
  const idle = dial(world, server.port, 'b');
  await once(idle, 'secureConnect');
  const startedAt = performance.now();
  await server.close(300);
  assert.ok(performance.now() - startedAt < 5_000);
});
