import assert from 'node:assert/strict';
import { type RequestListener, createServer } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { askAgent, fetchStatus } from '../../src/cli/agent-client.ts';
import { exampleStatusDocument } from '../support/example-status.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function startAgent(t: TestContext, listener: RequestListener): Promise<string> {
  const path = join(await temporaryDirectory(t), 'agent.sock');
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return path;
}

function ask(socketPath: string, timeoutMs = 5_000) {
  const question = {
    socketPath,
    method: 'POST',
    path: '/x',
    body: { databases: ['nb'] },
    timeoutMs,
  } as const;
  return askAgent(question, z.object({ ok: z.boolean() }));
}

test('the status of a sound agent arrives whole', async (t) => {
  const path = await startAgent(t, (_request, response) =>
    response.end(JSON.stringify(exampleStatusDocument())),
  );
  assert.deepEqual(await fetchStatus(path), exampleStatusDocument());
});

test('an agent that is not there is told with what to do', async (t) => {
  await assert.rejects(ask('/absent/agent.sock'), {
    code: 'agent-unreachable',
    message: 'no agent answers on /absent/agent.sock: there is no such socket',
    hint: /ovn-warden agent/,
  });
  const path = await startAgent(t, () => undefined);
  await assert.rejects(ask(path, 300), { code: 'agent-unreachable', message: /no answer in 0\.3 s/ });
});

test('an agent that dies in the middle of its answer is unreachable', async (t) => {
  const path = await startAgent(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"half":');
    setTimeout(() => response.destroy(), 20);
  });
  await assert.rejects(ask(path), { code: 'agent-unreachable' });
});

test('an agent that dribbles its answer is cut off', async (t) => {
  const path = await startAgent(t, (_request, response) => {
    const timer = setInterval(() => response.write(' '), 20);
    response.once('close', () => {
      clearInterval(timer);
    });
  });
  await assert.rejects(ask(path, 400), { code: 'agent-unreachable', message: /no answer in 0\.4 s/ });
});

test('an answer that is not what it should be is invalid', async (t) => {
  for (const answer of ['{"half":', '{"ok":"yes"}', '', '[]']) {
    const path = await startAgent(t, (_request, response) => response.end(answer));
    await assert.rejects(ask(path), { code: 'reply-invalid', hint: /different versions/ }, answer);
  }
});

test('something else than an agent on the socket is unreachable', async (t) => {
  const path = join(await temporaryDirectory(t), 'agent.sock');
  const server = createNetServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-x\r\n'));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => server.close());
  await assert.rejects(ask(path), { code: 'agent-unreachable' });
});

test("a refusal is the agent's own error", async (t) => {
  const error = { code: 'guard-refused', message: 'a heal is running', hint: 'wait' };
  const path = await startAgent(t, (_request, response) => {
    response.writeHead(409).end(JSON.stringify({ error }));
  });
  await assert.rejects(ask(path), error);
  const mute = await startAgent(t, (_request, response) => response.writeHead(500).end('<html>'));
  await assert.rejects(ask(mute), { code: 'reply-invalid', message: /status 500 and no reason/ });
});
