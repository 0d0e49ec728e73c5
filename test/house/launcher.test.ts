import assert from 'node:assert/strict';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { addProgram, makeProgramFolder } from './programs.ts';
import { ROOT, runCommand, type CommandResult } from './run-command.ts';

const PRINTS_ARGUMENTS =
  'process.stdout.write(JSON.stringify(process.argv.slice(2)));\nprocess.exitCode = 3;\n';

interface Checkout {
  readonly directory: string;
  readonly programs: string;
  readonly run: (file: string, ...args: string[]) => Promise<CommandResult>;
}

/** A checkout that was built, on a machine whose PATH holds no Node. */
async function makeCheckout(t: TestContext): Promise<Checkout> {
  const directory = await temporaryDirectory(t);
  const programs = await makeProgramFolder(directory);
  await cp(join(ROOT, 'bin'), join(directory, 'bin'), { recursive: true });
  await cp(join(ROOT, 'tools'), join(directory, 'tools'), { recursive: true });
  await mkdir(join(directory, 'dist'));
  await writeFile(join(directory, 'dist/cli.js'), PRINTS_ARGUMENTS);
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  const run = async (file: string, ...args: string[]): Promise<CommandResult> =>
    await runCommand(file, args, { cwd: directory, env: { PATH: programs } });
  return { directory, programs, run };
}

test('the launcher hands on arguments as they are and the exit code', async (t) => {
  const { programs, run } = await makeCheckout(t);
  await symlink(process.execPath, join(programs, 'node'));
  const { exitCode, stdout } = await run('bin/ovn-warden', 'verify', 'a b', '', '-o', 'json');
  assert.deepEqual(JSON.parse(stdout), ['verify', 'a b', '', '-o', 'json']);
  assert.equal(exitCode, 3);
});

test('the launcher works through links, relative and absolute', async (t) => {
  const { directory, programs, run } = await makeCheckout(t);
  await symlink(process.execPath, join(programs, 'node'));
  await mkdir(join(directory, 'elsewhere'));
  await symlink('../bin/ovn-warden', join(directory, 'elsewhere/relative'));
  await symlink(join(directory, 'elsewhere/relative'), join(directory, 'elsewhere/absolute'));
  assert.equal((await run('elsewhere/absolute', 'x')).stdout, '["x"]');
});

test('the launcher prefers the Node that make setup installed', async (t) => {
  const { directory, programs, run } = await makeCheckout(t);
  await symlink(process.execPath, join(programs, 'node'));
  const installed = join(directory, '.tools/node24/node_modules/.bin');
  await mkdir(installed, { recursive: true });
  await addProgram(installed, 'node', 'echo installed');
  assert.equal((await run('bin/ovn-warden')).stdout, 'installed\n');
});

test('the launcher says in one sentence that nothing was built', async (t) => {
  const { directory, programs } = await makeCheckout(t);
  const bare = join(directory, 'bare');
  await cp(join(directory, 'bin'), join(bare, 'bin'), { recursive: true });
  await cp(join(directory, 'tools'), join(bare, 'tools'), { recursive: true });
  const { exitCode, stderr } = await runCommand(join(bare, 'bin/ovn-warden'), [], {
    env: { PATH: programs },
  });
  assert.equal(stderr, `ovn-warden: not built yet; please run 'make build' in ${bare}.\n`);
  assert.equal(exitCode, 1);
});

for (const [title, version] of [
  ['there is no Node', undefined],
  ['the only Node is too old', '22.9.9'],
] as const) {
  test(`the launcher says in one sentence that ${title}`, async (t) => {
    const { directory, programs, run } = await makeCheckout(t);
    if (version !== undefined) await addProgram(programs, 'node', `echo ${version}`);
    const { exitCode, stdout, stderr } = await run('bin/ovn-warden', 'status');
    assert.match(
      stderr,
      /^ovn-warden: wants Node \d+\.\d+\.\d+ or later; please run 'make setup' in \S+, or install it\.\n$/,
    );
    assert.ok(stderr.includes(directory));
    assert.equal(stdout, '');
    assert.equal(exitCode, 1);
  });
}
