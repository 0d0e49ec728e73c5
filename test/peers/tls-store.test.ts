import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import type { WardenError } from '../../src/lib/errors.ts';
import { openTlsStore } from '../../src/peers/tls-store.ts';
import { makeCertificates } from '../support/certificates.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { filesOf, makePeerWorld, openStore, startClient, startServer } from './peer-world.ts';

function unexpected(error: WardenError): void {
  throw error;
}

test('files that do not fit are refused at once, and no key is ever shown', async (t) => {
  const directory = await temporaryDirectory(t);
  const certificates = await makeCertificates(directory, ['a', 'b']);
  const a = filesOf(certificates, 'a');
  const b = filesOf(certificates, 'b');
  const noise = join(directory, 'noise.pem');
  await writeFile(noise, 'noise');
  const cases = [
    [
      { ...a, certFile: join(directory, 'absent.pem') },
      'file-unreadable',
      /absent\.pem cannot be read: ENOENT/,
    ],
    [{ ...a, caFile: noise }, 'config-invalid', /noise\.pem: wanted a certificate in PEM/],
    [{ ...a, keyFile: noise }, 'config-invalid', /noise\.pem: wanted a private key in PEM/],
    [{ ...a, keyFile: b.keyFile }, 'config-invalid', /b\.key is not the key of .*a\.pem/],
    [b, 'config-invalid', /b\.pem: wanted a certificate of node "a", got one of CN=b/],
  ] as const;
  for (const [files, code, message] of cases)
    await assert.rejects(openTlsStore(files, { node: 'a', onProblem: unexpected }), (error: WardenError) => {
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.doesNotMatch(JSON.stringify([error.message, error.details]), /PRIVATE KEY/);
      return true;
    });
});

test('the end of the certificate is known', async (t) => {
  const certificates = await makeCertificates(await temporaryDirectory(t), ['a'], { days: 10 });
  const store = await openTlsStore(filesOf(certificates, 'a'), { node: 'a', onProblem: unexpected });
  const days = (store.certificateExpiry() - Date.now()) / 86_400_000;
  assert.ok(days > 9.9 && days < 10.1, String(days));
});

test('half a renewal is reported once and the former certificate stays in use', async (t) => {
  const directory = await temporaryDirectory(t);
  const files = filesOf(await makeCertificates(directory, ['a']), 'a');
  const problems: string[] = [];
  const store = await openTlsStore(files, { node: 'a', onProblem: (error) => problems.push(error.message) });
  const before = store.current();
  const renewed = filesOf(await makeCertificates(join(directory, 'new'), ['a']), 'a');
  await copyFile(renewed.certFile, files.certFile);
  assert.equal(await store.refresh(), before);
  assert.equal(await store.refresh(), before);
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /is not the key of/);
  await copyFile(renewed.keyFile, files.keyFile);
  const after = await store.refresh();
  assert.equal(after.cert, await readFile(renewed.certFile, 'utf8'));
  assert.equal(store.current(), after);
});

test('a renewed authority takes effect at both ends without a restart', async (t) => {
  const world = await makePeerWorld(t);
  const server = await startServer(t, await openStore(world, 'a'), { tlsCheckIntervalMs: 50 });
  const client = startClient(t, await openStore(world, 'b'));
  const address = { node: 'a', url: `https://127.0.0.1:${String(server.port)}` };
  const ask = () => client.getJson(address, '/peer/v1/who', z.object({ caller: z.string() }));
  assert.deepEqual(await ask(), { caller: 'b' });
  const renewed = await makeCertificates(join(world.directory, 'renewed'), ['a', 'b']);
  for (const node of ['a', 'b']) {
    const from = filesOf(renewed, node);
    const to = filesOf(world.certificates, node);
    await copyFile(from.caFile, to.caFile);
    await copyFile(from.certFile, to.certFile);
    await copyFile(from.keyFile, to.keyFile);
  }
  const startedAt = performance.now();
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) break;
    assert.ok(performance.now() - startedAt < 10_000, 'the renewed certificates were never used');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const outdated = startClient(t, await openStore(await makePeerWorld(t), 'b'));
  await assert.rejects(outdated.getJson(address, '/peer/v1/who', z.object({})), { code: 'peer-unreachable' });
});
