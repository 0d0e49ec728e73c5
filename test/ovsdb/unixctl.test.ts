import assert from 'node:assert/strict';
import { type Server, type Socket, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WardenError } from '../../src/lib/errors.ts';
import { callUnixctl, unreachableOf } from '../../src/ovsdb/unixctl.ts';
import { startTestCluster, temporaryDirectory } from '../engine/support/index.ts';

const PATIENT = { timeoutMs: 10_000 };
const HASTY = { timeoutMs: 200 };

/** A server that does `behave` to whoever connects. */
async function startServer(context: TestContext, behave: (socket: Socket) => void): Promise<string> {
  const path = join(temporaryDirectory(context), 'ctl');
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    behave(socket);
  });
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.listen(path, () => {
    resolve(undefined);
  });
  await promise;
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return path;
}

/** A server that answers every request with these portions. */
async function startReplier(context: TestContext, ...portions: (string | Buffer)[]): Promise<string> {
  return await startServer(context, (socket) => {
    socket.once('data', () => {
      void (async () => {
        for (const portion of portions) {
          socket.write(portion);
          await delay(5);
        }
      })();
    });
  });
}

async function errorOf(call: Promise<unknown>): Promise<WardenError> {
  const error = await call.then(
    () => assert.fail('an error was expected'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof WardenError, String(error));
  return error;
}

test('a real server answers, refuses in its own words, and is known to be down once it has ended', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 1 });
  const { socket } = cluster.member(0).paths;
  const call = (method: string, ...params: string[]): Promise<string> =>
    callUnixctl(socket, method, params, PATIENT);

  assert.match(await call('cluster/sid', 'OVN_Northbound'), /^[0-9a-f-]{36}\n$/);
  assert.equal(await call('ovsdb-server/list-dbs'), 'OVN_Northbound\n_Server\n');
  const longAnswer = await call('list-commands');
  assert.ok(longAnswer.includes('cluster/status'));

  const unknown = await errorOf(call('cluster/sid', 'Nope'));
  assert.deepEqual([unknown.code, unknown.details['text']], ['server-refused', 'unknown cluster']);
  assert.match((await errorOf(call('bogus/cmd'))).message, /"bogus\/cmd" is not a valid command/);

  await cluster.member(0).kill9();
  assert.equal(unreachableOf(await errorOf(call('version'))), 'down');
});

test('a real server that is frozen is silent, not down', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 1 });
  const member = cluster.member(0);
  member.freeze();
  const error = await errorOf(callUnixctl(member.paths.socket, 'version', [], HASTY));
  assert.equal(unreachableOf(error), 'silent');
  member.thaw();
  assert.match(await callUnixctl(member.paths.socket, 'version', [], PATIENT), /Open vSwitch/);
});

const answers: readonly { name: string; portions: (string | Buffer)[]; result: string }[] = [
  { name: 'in one piece', portions: ['{"id":0,"result":"yes\\n","error":null}'], result: 'yes\n' },
  { name: 'in three pieces', portions: ['{"id":0,"res', 'ult":"}{\\"","er', 'ror":null}'], result: '}{"' },
  { name: 'with a character cut in two', portions: splitInside('{"id":0,"result":"é"}', 'é'), result: 'é' },
  { name: 'followed by another', portions: ['{"id":0,"result":"a"}{"id":0,"result":"b"}'], result: 'a' },
];

for (const { name, portions, result } of answers) {
  test(`an answer ${name} is read`, async (t) => {
    const path = await startReplier(t, ...portions);
    assert.equal(await callUnixctl(path, 'version', [], PATIENT), result);
  });
}

const nonsense: readonly { name: string; portions: (string | Buffer)[]; message: RegExp }[] = [
  { name: 'another id', portions: ['{"id":7,"result":"a"}'], message: /id 0, got id 7/ },
  { name: 'neither result nor error', portions: ['{"id":0}'], message: /a result or an error/ },
  { name: 'a result that is no text', portions: ['{"id":0,"result":4}'], message: /a result or an error/ },
  { name: 'an array', portions: ['[1]'], message: /a JSON object/ },
  { name: 'noise', portions: [Buffer.from([0xff, 0x00, 0x7b])], message: /a JSON object/ },
  { name: 'brackets around noise', portions: ['{nonsense}'], message: /JSON in UTF-8/ },
  { name: 'bytes that are not UTF-8', portions: [Buffer.from([0x7b, 0xff, 0x7d])], message: /JSON in UTF-8/ },
];

for (const { name, portions, message } of nonsense) {
  test(`${name} is not an answer`, async (t) => {
    const path = await startReplier(t, ...portions);
    const error = await errorOf(callUnixctl(path, 'version', [], PATIENT));
    assert.equal(error.code, 'reply-invalid');
    assert.match(error.message, message);
  });
}

test('half an answer and then the end is an invalid reply', async (t) => {
  const path = await startServer(t, (socket) => {
    socket.end('{"id":0,"res');
  });
  const error = await errorOf(callUnixctl(path, 'version', [], PATIENT));
  assert.equal(error.code, 'reply-invalid');
  assert.match(error.message, /12 bytes, then the connection was closed/);
});

test('half an answer and then nothing is silence', async (t) => {
  const path = await startReplier(t, '{"id":0,"res');
  assert.equal(unreachableOf(await errorOf(callUnixctl(path, 'version', [], HASTY))), 'silent');
});

test('a connection that is closed without a word is silence: nobody knows whether the server lives', async (t) => {
  const path = await startServer(t, (socket) => {
    socket.end();
  });
  assert.equal(unreachableOf(await errorOf(callUnixctl(path, 'version', [], PATIENT))), 'silent');
});

test('an endless answer is cut off at the cap', async (t) => {
  const path = await startServer(t, (socket) => {
    socket.write('{"id":0,"result":"');
    const flood = (): void => {
      while (!socket.destroyed && socket.write('x'.repeat(65_536)));
    };
    socket.on('drain', flood);
    flood();
  });
  const error = await errorOf(callUnixctl(path, 'version', [], { ...PATIENT, maxReplyBytes: 1_000_000 }));
  assert.equal(error.code, 'reply-invalid');
  assert.match(error.message, /at most 1000000 bytes/);
});

test('a socket that does not exist is down', async () => {
  const error = await errorOf(callUnixctl('/nonexistent/ovnnb_db.ctl', 'version', [], PATIENT));
  assert.equal(unreachableOf(error), 'down');
  assert.match(error.message, /version at \/nonexistent\/ovnnb_db\.ctl: nobody listens/);
});

test('a call ends when its signal aborts, before or after it began', async (t) => {
  const path = await startReplier(t);
  const controller = new AbortController();
  const call = callUnixctl(path, 'version', [], { ...PATIENT, signal: controller.signal });
  controller.abort();
  assert.equal((await errorOf(call)).code, 'aborted');
  const late = callUnixctl(path, 'version', [], { ...PATIENT, signal: controller.signal });
  assert.equal((await errorOf(late)).code, 'aborted');
});

test('only an unreachable server is down or silent', () => {
  assert.equal(unreachableOf(new WardenError('server-refused', 'no')), undefined);
  assert.equal(unreachableOf(new Error('no')), undefined);
});

function splitInside(text: string, character: string): Buffer[] {
  const bytes = Buffer.from(text);
  const cut = Buffer.byteLength(text.slice(0, text.indexOf(character))) + 1;
  return [bytes.subarray(0, cut), bytes.subarray(cut)];
}
