import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readFileIfPresent } from '../../src/lib/durable-file.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { addProgram, makeProgramFolder } from './programs.ts';
import { ROOT, runCommand, type CommandResult } from './run-command.ts';

const OVS_TOOLS = ['ovsdb-server', 'ovsdb-tool', 'ovsdb-client', 'ovs-appctl'];
const SCHEMAS = ['ovn-nb.ovsschema', 'ovn-sb.ovsschema'];

/** An npm that notes how it was called; it can `ci`, and can install a Node, which is the one that runs this test. */
const NPM = `
echo "$*" >>"$CALLS"
case $1 in
  ci) mkdir -p node_modules ;;
  install)
    while [ "$1" != --prefix ]; do shift; done
    package=\${3%@*}
    mkdir -p "$2/node_modules/$package/bin"
    ln -s "$REAL_NODE" "$2/node_modules/$package/bin/node" ;;
esac`;

/** An apt-get that notes how it was called; installing brings the tools of OVS, downloading a package file. */
const APT_GET = `
echo "$*" >>"$APT_CALLS"
case " $* " in
  *' install '*)
    for name in ovsdb-server ovsdb-tool ovsdb-client ovs-appctl; do
      printf '#!/bin/sh\\n' >"$PATH_FOLDER/$name"
      chmod +x "$PATH_FOLDER/$name"
    done ;;
  *' download '*) touch ovn-central_1_amd64.deb ;;
esac`;

/** A dpkg that can only unpack. */
const DPKG = `
[ "$1" = -x ] || exit 9
mkdir -p "$3/usr/share/ovn"
touch "$3/usr/share/ovn/ovn-nb.ovsschema" "$3/usr/share/ovn/ovn-sb.ovsschema"`;

interface Machine {
  readonly directory: string;
  readonly programs: string;
  readonly setUp: (...args: string[]) => Promise<CommandResult>;
  readonly npmCalls: () => Promise<readonly string[]>;
  readonly aptCalls: () => Promise<readonly string[]>;
}

/** A fresh clone on a machine that has nothing of what we need. */
async function makeMachine(t: TestContext): Promise<Machine> {
  const directory = await temporaryDirectory(t);
  const programs = await makeProgramFolder(directory);
  const npmCalls = join(directory, 'npm-calls');
  const aptCalls = join(directory, 'apt-calls');
  await cp(join(ROOT, 'tools'), join(directory, 'tools'), { recursive: true });
  await writeFile(join(directory, 'package-lock.json'), '{}\n');
  const env = {
    PATH: programs,
    PATH_FOLDER: programs,
    CALLS: npmCalls,
    APT_CALLS: aptCalls,
    REAL_NODE: process.execPath,
    OVN_SCHEMA_DIR: join(directory, 'schemas'),
  };
  return {
    directory,
    programs,
    setUp: async (...args) =>
      await runCommand('/bin/sh', [join(directory, 'tools/setup.sh'), ...args], { env }),
    npmCalls: async () => await readLines(npmCalls),
    aptCalls: async () => await readLines(aptCalls),
  };
}

async function readLines(path: string): Promise<readonly string[]> {
  return (await readFileIfPresent(path))?.trimEnd().split('\n') ?? [];
}

async function addOvs({ directory, programs }: Machine): Promise<void> {
  for (const name of OVS_TOOLS) await addProgram(programs, name, ':');
  await mkdir(join(directory, 'schemas'));
  for (const name of SCHEMAS) await writeFile(join(directory, 'schemas', name), `${name}\n`);
}

async function addNode({ programs }: Machine): Promise<void> {
  await symlink(process.execPath, join(programs, 'node'));
}

async function readVersion(name: string): Promise<string> {
  const text = await readFile(join(ROOT, 'tools/versions.env'), 'utf8');
  return new RegExp(`^${name}=(\\S+)$`, 'm').exec(text)?.[1] ?? 'missing';
}

test('everything that is missing and cannot be fetched is named in one sentence', async (t) => {
  const machine = await makeMachine(t);
  const { exitCode, stdout, stderr } = await machine.setUp();
  assert.equal(exitCode, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^setup: please install [^\n]+, then try again\.\n$/);
  for (const wanted of ['npm', 'openvswitch-common', ...OVS_TOOLS, ...SCHEMAS]) {
    assert.ok(stderr.includes(wanted), `${wanted} is not named in: ${stderr}`);
  }
  assert.equal((await readdir(machine.directory)).includes('.tools'), false);
});

test('what is there is not asked for', async (t) => {
  const machine = await makeMachine(t);
  await addOvs(machine);
  await addNode(machine);
  const { exitCode, stderr } = await machine.setUp();
  assert.equal(exitCode, 1);
  assert.equal(stderr, 'setup: please install npm (Debian: apt-get install npm), then try again.\n');
});

test('a machine that has everything is used as it is, and a second run does nothing', async (t) => {
  const machine = await makeMachine(t);
  await addOvs(machine);
  await addNode(machine);
  await addProgram(machine.programs, 'npm', NPM);
  assert.equal((await machine.setUp()).exitCode, 0);
  assert.deepEqual(await machine.setUp(), { exitCode: 0, stdout: '', stderr: '' });
  const calls = await machine.npmCalls();
  assert.equal(calls.length, 1);
  assert.match(calls[0] ?? '', /^ci --ignore-scripts /);
  assert.deepEqual((await readdir(join(machine.directory, '.tools/ovn/usr/share/ovn'))).sort(), SCHEMAS);
});

test('root with apt gets the tools installed, and the schemas out of a package that is not installed', async (t) => {
  const machine = await makeMachine(t);
  await addNode(machine);
  await addProgram(machine.programs, 'npm', NPM);
  await addProgram(machine.programs, 'id', 'echo 0');
  await addProgram(machine.programs, 'apt-get', APT_GET);
  await addProgram(machine.programs, 'dpkg', DPKG);
  const { exitCode, stderr } = await machine.setUp();
  assert.equal(exitCode, 0, stderr);
  const installs = (await machine.aptCalls()).filter((call) => call.startsWith('install '));
  assert.deepEqual(installs, ['install -qq -y --no-install-recommends openvswitch-common']);
  assert.deepEqual((await readdir(join(machine.directory, '.tools/ovn/usr/share/ovn'))).sort(), SCHEMAS);
  assert.deepEqual((await readdir(join(machine.directory, '.tools'))).sort(), ['ovn']);
});

test('someone who is not root is told what to install, and apt is not called', async (t) => {
  const machine = await makeMachine(t);
  await addNode(machine);
  await addProgram(machine.programs, 'npm', NPM);
  await addProgram(machine.programs, 'id', 'echo 1000');
  await addProgram(machine.programs, 'apt-get', APT_GET);
  await addProgram(machine.programs, 'dpkg', DPKG);
  const { exitCode, stderr } = await machine.setUp();
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /^setup: please install ovsdb-server, [^\n]+openvswitch-common\), then try again\.\n$/,
  );
  assert.deepEqual(await machine.aptCalls(), []);
  assert.deepEqual(await machine.npmCalls(), []);
});

test('npm ci runs again when the lockfile has changed', async (t) => {
  const machine = await makeMachine(t);
  await addOvs(machine);
  await addNode(machine);
  await addProgram(machine.programs, 'npm', NPM);
  await machine.setUp();
  await appendFile(join(machine.directory, 'package-lock.json'), '\n');
  await machine.setUp();
  assert.equal((await machine.npmCalls()).length, 2);
});

test('an old Node is left alone and the pinned one is put beside it', async (t) => {
  const machine = await makeMachine(t);
  await addOvs(machine);
  await addProgram(machine.programs, 'node', 'echo 20.20.2');
  await addProgram(machine.programs, 'npm', NPM);
  const { exitCode, stderr } = await machine.setUp();
  assert.equal(exitCode, 0, stderr);
  const calls = await machine.npmCalls();
  assert.ok(calls[0]?.endsWith(`@${await readVersion('NODE_24')}`), calls[0]);
  const installed = join(machine.directory, '.tools/node24/node_modules/.bin/node');
  assert.equal((await runCommand(installed, ['-p', 'process.version'])).stdout.trim(), process.version);
});

test('the older line of Node is fetched only when it is asked for', async (t) => {
  const machine = await makeMachine(t);
  await addOvs(machine);
  await addNode(machine);
  await addProgram(machine.programs, 'npm', NPM);
  assert.equal((await machine.setUp('node22')).exitCode, 0);
  assert.ok((await machine.npmCalls()).at(-1)?.endsWith(`@${await readVersion('NODE_22')}`));
});

test('when npm fails, one sentence says so and nothing half-made stays', async (t) => {
  const machine = await makeMachine(t);
  await addOvs(machine);
  await addProgram(machine.programs, 'npm', 'exit 7');
  const { exitCode, stderr } = await machine.setUp();
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /setup: npm could not fetch node-linux-\w+@[\d.]+; please look at its message above\.\n$/,
  );
  assert.deepEqual(await readdir(join(machine.directory, '.tools')), []);
});
