import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT, runCommand } from './run-command.ts';

test('make help lists every target with what it does', async () => {
  const makefile = await readFile(join(ROOT, 'Makefile'), 'utf8');
  const targets = /^\.PHONY: (.*)$/m.exec(makefile)?.[1]?.split(' ') ?? [];
  assert.ok(targets.length > 10);
  const { stdout } = await runCommand('make', ['--no-print-directory', 'help'], { cwd: ROOT });
  const listed = [...stdout.matchAll(/^ {2}(\S+) +\S/gm)].map(([, name]) => name);
  assert.deepEqual(listed.sort(), targets.sort());
});
