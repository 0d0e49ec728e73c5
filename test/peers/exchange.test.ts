import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import type { PeerAddress } from '../../src/peers/peer-client.ts';
import { makePeerWorld, openStore, startClient, startServer } from './peer-world.ts';

const caller = z.object({ caller: z.string() });
const sum = z.object({ sum: z.int() });

function addressOf(node: string, server: { readonly port: number }): PeerAddress {
  return { node, url: `https://127.0.0.1:${String(server.port)}` };
}

async function ask(t: TestContext, certificate: string, meant: string) {
  const world = await makePeerWorld(t);
  const server = await startServer(t, await openStore(world, 'a'));
  const client = startClient(t, await openStore(world, certificate, certificate.replace('other-', '')));
  return await client.getJson(addressOf(meant, server), '/peer/v1/who', caller);
}

test('a sibling is known by its certificate', async (t) => {
  assert.deepEqual(await ask(t, 'b', 'a'), { caller: 'b' });
  assert.deepEqual(await ask(t, 'c', 'a'), { caller: 'c' });
});

test('a node that is no sibling is refused, although our authority signed it', async (t) => {
  await assert.rejects(ask(t, 'x', 'a'), {
    code: 'peer-refused',
    message: /refused with status 403: this certificate names no sibling/,
  });
});

test('a certificate of another authority is of no use', async (t) => {
  await assert.rejects(ask(t, 'other-b', 'a'), { code: 'peer-unreachable' });
});

test('an agent that is not the one that was meant gets no question', async (t) => {
  await assert.rejects(ask(t, 'b', 'c'), {
    code: 'peer-unreachable',
    message: /the certificate there is not that of node "c"/,
  });
});

test('a server of another authority gets no question', async (t) => {
  const world = await makePeerWorld(t);
  const server = await startServer(t, await openStore(world, 'other-b', 'b'));
  const client = startClient(t, await openStore(world, 'c'));
  await assert.rejects(client.getJson(addressOf('b', server), '/peer/v1/who', caller), {
    code: 'peer-unreachable',
  });
});

test('a body must be what it should be: nothing is coerced and nothing dropped', async (t) => {
  const world = await makePeerWorld(t);
  const server = await startServer(t, await openStore(world, 'a'));
  const client = startClient(t, await openStore(world, 'b'));
  const add = (body: unknown) => client.postJson(addressOf('a', server), '/peer/v1/add', body, sum);
  assert.deepEqual(await add({ left: 2, right: 3 }), { sum: 5 });
  for (const body of [{ left: '2', right: 3 }, { left: 2, right: 3, more: 1 }, { left: 2 }, [], null])
    await assert.rejects(add(body), { code: 'peer-refused', message: /refused with status 400/ });
  await assert.rejects(add({ left: 2, right: 3, more: 'x'.repeat(1_100_000) }), {
    code: 'peer-refused',
    message: /status 413/,
  });
});

test('a question that nobody answers, and an answer that breaks, are refusals', async (t) => {
  const world = await makePeerWorld(t);
  const server = await startServer(t, await openStore(world, 'a'));
  const client = startClient(t, await openStore(world, 'b'));
  const get = (path: string) => client.getJson(addressOf('a', server), path, caller);
  await assert.rejects(get('/peer/v1/nothing'), { code: 'peer-refused', message: /404: no such question/ });
  assert.equal(server.errors.length, 0);
  await assert.rejects(get('/peer/v1/broken'), { code: 'peer-refused', message: /500: this part is broken/ });
  assert.equal(server.errors[0]?.message, 'this part is broken');
});

test('an answer of another shape is invalid', async (t) => {
  const world = await makePeerWorld(t);
  const server = await startServer(t, await openStore(world, 'a'));
  const client = startClient(t, await openStore(world, 'b'));
  await assert.rejects(client.getJson(addressOf('a', server), '/peer/v1/who', sum), {
    code: 'reply-invalid',
    message: /\/peer\/v1\/who: sum: /,
  });
});
