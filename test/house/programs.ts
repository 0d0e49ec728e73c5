import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

/** What the scripts use of any Unix; nothing of Node, npm, apt or OVS. */
const ORDINARY =
  'cat chmod cksum cp dirname head id ln mkdir mktemp mv readlink rm sh sort touch uname'.split(' ');

/** A folder of programs that stands for the PATH of a poor machine. */
export async function makeProgramFolder(directory: string): Promise<string> {
  const folder = join(directory, 'programs');
  await mkdir(folder);
  for (const name of ORDINARY) {
    const { stdout } = await runCommand('/bin/sh', ['-c', `command -v ${name}`]);
    await symlink(stdout.trim(), join(folder, name));
  }
  return folder;
}

/** Adds a small shell script under `name`, in the place of what was there. */
export async function addProgram(folder: string, name: string, script: string): Promise<void> {
  const path = join(folder, name);
  await rm(path, { force: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}
