import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createOvsdbTool, isOlderThan, parseToolVersion } from '../../src/ovsdb/ovsdb-tool.ts';
import {
  dropLastCommittedEntry,
  LedgerWriter,
  startTestCluster,
  temporaryDirectory,
} from '../engine/support/index.ts';

const tool = createOvsdbTool({ path: '/usr/bin/ovsdb-tool', timeoutMs: 20_000 });

test('the real tool passes a sound file and says what is wrong with a bad one', async (t) => {
  const cluster = await startTestCluster(t, { database: 'nb', members: 1 });
  await new LedgerWriter(cluster).write(5);
  const { file } = cluster.member(0).paths;
  await cluster.stopAll();
  assert.deepEqual(await tool.checkCluster(file), { ok: true, output: '' });
  dropLastCommittedEntry(file);
  const bad = await tool.checkCluster(file);
  assert.equal(bad.ok, false);
  assert.match(bad.output, /advances commit index to \d+ but last log index is \d+/);
  assert.match((await tool.checkCluster(`${file}.absent`)).output, /No such file/);
});

test('the real tool knows its version', async () => {
  assert.match(await tool.version(), /^\d+\.\d+\.\d+/);
});

test('a tool that is not there, is too slow or is no ovsdb-tool fails as such', async (t) => {
  const script = join(temporaryDirectory(t), 'tool');
  writeFileSync(script, '#!/bin/sh\n[ "$1" = --version ] && echo "tool 7" || sleep 30\n');
  chmodSync(script, 0o755);
  const slow = createOvsdbTool({ path: script, timeoutMs: 300 });
  await assert.rejects(slow.checkCluster('/file'), {
    code: 'tool-failed',
    message: /did not finish in 300 ms/,
  });
  const odd = createOvsdbTool({ path: script, timeoutMs: 10_000 });
  await assert.rejects(odd.version(), { code: 'tool-failed', message: /got "tool 7"/ });
  const absent = createOvsdbTool({ path: '/nonexistent/ovsdb-tool', timeoutMs: 1000 });
  await assert.rejects(absent.version(), { code: 'tool-failed', message: /ENOENT/ });
  assert.throws(() => createOvsdbTool({ path: 'ovsdb-tool', timeoutMs: 1 }), { code: 'config-invalid' });
});

test('a run of the tool ends when its signal aborts', async () => {
  await assert.rejects(tool.version(AbortSignal.abort()), { code: 'aborted' });
});

test('the version is read from what the tool prints, patched builds too', () => {
  assert.equal(parseToolVersion('ovsdb-tool (Open vSwitch) 3.1.0\n'), '3.1.0');
  assert.equal(parseToolVersion('ovsdb-tool (Open vSwitch) 3.5.5-1\nDB Schema 1'), '3.5.5-1');
});

for (const [version, server, older] of [
  ['3.1.0', '3.1.0', false],
  ['3.1.0', '3.1.9', false],
  ['3.1.0', '3.5.1', true],
  ['3.10.0', '3.9.0', false],
  ['2.17.9', '3.0.0', true],
  ['4.0.0', '3.7.1', false],
] as const) {
  test(`${version} is ${older ? '' : 'not '}older than a server of ${server}`, () => {
    assert.equal(isOlderThan(version, server), older);
  });
}

test('a version that is none is refused', () => {
  assert.throws(() => isOlderThan('3.1.0', 'new'), { code: 'reply-invalid', message: /got "new"/ });
});
