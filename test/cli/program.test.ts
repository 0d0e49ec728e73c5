import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { exampleConfig } from '../support/example-config.ts';
import { exampleStatusDocument } from '../support/example-status.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { cli, startStubAgent } from './cli-world.ts';

const CLI = new URL('../../src/cli.ts', import.meta.url).pathname;

test('help teaches: examples and exit codes, on stdout', async () => {
  const run = await cli(['--help']);
  assert.equal(run.exitCode, 0);
  assert.equal(run.stderr, '');
  assert.match(run.stdout, /^Usage: ovn-warden/);
  assert.match(run.stdout, /Examples:[^]*ovn-warden status/);
  assert.match(run.stdout, /Exit codes:[^]*4 {2}refused by a guard/);
});

test('the help of every command has an example', async () => {
  const backups = ['create', 'list', 'verify'].map((command) => ['backup', command]);
  for (const path of [['agent'], ['status'], ['explain'], ['verify'], ['scan'], ['backup'], ...backups]) {
    const help = await cli([...path, '--help']);
    assert.equal(help.exitCode, 0, path.join(' '));
    assert.match(help.stdout, new RegExp(`Examples?:\n  ovn-warden ${path.join(' ')}\\b`));
  }
});

test('a command line that is not understood is one clear error, and exits with 2', async () => {
  for (const [args, message] of [
    [['sttus'], /^ovn-warden: unknown command 'sttus'\n\(Did you mean status\?\)/],
    [['status', '--ouput', 'json'], /^ovn-warden: unknown option '--ouput'\n\(Did you mean --output\?\)/],
    [['status', '-o', 'yaml'], /'yaml' is invalid\. Allowed choices are table, json/],
    [['status', 'more'], /^ovn-warden: too many arguments/],
    [['explain', 'xx'], /'xx' is invalid for argument 'database'\. Allowed choices are nb, sb/],
    [['status', '--config'], /^ovn-warden: option '--config <path>' argument missing/],
    [['verify'], /^ovn-warden: missing required argument 'file'/],
    [['backup', 'lst'], /^ovn-warden: unknown command 'lst'\n\(Did you mean list\?\)/],
    [[], /^Usage: ovn-warden/],
  ] as const) {
    const run = await cli(args);
    assert.equal(run.exitCode, 2, args.join(' '));
    assert.equal(run.stdout, '');
    assert.match(run.stderr, message);
  }
});

test('an error is one line with what to do next, never a stack', async () => {
  const run = await cli(['status', '--config', '/absent/config.json']);
  assert.equal(run.exitCode, 1);
  assert.match(
    run.stderr,
    /^ovn-warden: \/absent\/config\.json cannot be read: ENOENT.*\nhint: .*--config.*\n$/,
  );
});

test('a malformed configuration stops the agent before it starts, with every problem', async (t) => {
  const path = join(await temporaryDirectory(t), 'config.json');
  await writeFile(path, JSON.stringify({ ...exampleConfig(), heal: { mode: 'yolo' }, colour: 'red' }));
  const run = await cli(['agent', '--config', path]);
  assert.equal(run.exitCode, 1);
  assert.match(run.stderr, /heal\.mode: wanted "auto" or "observe", got "yolo"/);
  assert.match(run.stderr, /colour: unknown key/);
});

test('the socket is found through the configuration file and the environment', async (t) => {
  const socket = await startStubAgent(t, exampleStatusDocument());
  const directory = await temporaryDirectory(t);
  const config = join(directory, 'config.json');
  await writeFile(config, JSON.stringify({ ...exampleConfig(), stateDir: join(socket, '..') }));
  assert.equal((await cli(['status', '--config', config])).exitCode, 0);
  const child = spawn(process.execPath, [CLI, 'status'], {
    env: { ...process.env, OVN_WARDEN_CONFIG: config },
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  assert.equal(exitCode, 0);
});

test('files that are named reach their command', async () => {
  const log = new URL('../fixtures/error-lines.txt', import.meta.url).pathname;
  assert.equal((await cli(['scan', log])).exitCode, 3);
  assert.equal((await cli(['scan', '/absent.log'])).exitCode, 1);
});

test('a reader that goes away is no error', async (t) => {
  const status = exampleStatusDocument();
  const heals = Array.from({ length: 20_000 }, () => status.heals).flat();
  const socket = await startStubAgent(t, { ...status, heals });
  const child = spawn(process.execPath, [CLI, 'status', '-o', 'json', '--socket', socket]);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.once('data', () => child.stdout.destroy());
  const [exitCode] = (await once(child, 'close')) as [number | null];
  assert.equal(stderr, '');
  assert.equal(exitCode, 0);
});
