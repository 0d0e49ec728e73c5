import assert from 'node:assert/strict';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { ROOT, runCommand } from './run-command.ts';

const reportSchema = z.object({
  summary: z.object({
    totalCruised: z.number(),
    violations: z.array(z.object({ rule: z.object({ name: z.string() }), from: z.string(), to: z.string() })),
  }),
});

/** What each planted import breaks: the rule, the importing file, the imported thing as it is written there. */
const PLANTED = [
  ['lib-imports-nothing-above', 'src/lib/a.ts', '../ovsdb/sound.ts'],
  ['access-imports-nothing-above', 'src/ovsdb/a.ts', '../diagnose/sound.ts'],
  ['access-imports-nothing-above', 'src/peers/a.ts', '../agent/sound.ts'],
  ['judgement-imports-nothing-above', 'src/diagnose/a.ts', '../heal/sound.ts'],
  ['judgement-imports-nothing-above', 'src/watch/a.ts', '../http/sound.ts'],
  ['remedy-imports-nothing-above', 'src/heal/a.ts', '../agent/sound.ts'],
  ['remedy-imports-nothing-above', 'src/backup/a.ts', '../metrics/sound.ts'],
  ['surface-imports-nothing-above', 'src/http/a.ts', '../agent/sound.ts'],
  ['agent-imports-nothing-above', 'src/agent/a.ts', '../main.ts'],
  ['prom-client-only-in-metrics', 'src/agent/b.ts', 'prom-client'],
  ['config-only-for-programs', 'src/http/b.ts', '../config/sound.ts'],
  ['no-test-code-in-source', 'src/lib/b.ts', '../../test/sound.ts'],
  ['no-development-packages-in-source', 'src/lib/c.ts', 'fast-check'],
  ['every-folder-has-a-layer', 'src/agent/c.ts', '../shed/sound.ts'],
  ['all-imports-resolve', 'src/lib/d.ts', './nowhere.ts'],
] as const;

const SOUND = {
  'src/main.ts': "export { sound } from './agent/sound.ts';",
  'src/agent/sound.ts': "export { sound } from '../http/sound.ts';",
  'src/http/sound.ts': "export { sound } from '../heal/sound.ts';",
  'src/config/sound.ts': "export { sound } from '../lib/sound.ts';",
  'src/metrics/sound.ts': "import 'prom-client';\nexport { sound } from '../lib/sound.ts';",
  'src/heal/sound.ts': "export { sound } from '../diagnose/sound.ts';",
  'src/diagnose/sound.ts': "export { sound } from '../ovsdb/sound.ts';",
  'src/ovsdb/sound.ts': "export { sound } from '../lib/sound.ts';",
  'src/lib/sound.ts': 'export const sound = 1;',
  'test/sound.ts': "export { sound } from '../src/lib/sound.ts';",
};

type Sources = Readonly<Record<string, string>>;

/** A checkout in miniature, under this project's own rules. */
async function plantTree(directory: string, sources: Sources): Promise<void> {
  for (const name of ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json']) {
    await cp(join(ROOT, name), join(directory, name));
  }
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  for (const [path, text] of Object.entries(sources)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), `${text}\n`);
  }
}

/** Rule and importing file of every violation, sorted. */
async function violationsIn(directory: string): Promise<readonly string[]> {
  const cruiser = join(ROOT, 'node_modules/.bin/depcruise');
  const args = [cruiser, '--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src'];
  const { stdout, stderr } = await runCommand(process.execPath, args, { cwd: directory });
  assert.match(stdout, /^\{/, stderr);
  const { summary } = reportSchema.parse(JSON.parse(stdout));
  assert.ok(summary.totalCruised > 0);
  return summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`).sort();
}

test('every planted import in the wrong direction is found, and nothing else', async (t) => {
  const directory = await temporaryDirectory(t);
  const planted = PLANTED.map(([, from, to]) => [from, `import '${to}';`] as const);
  await plantTree(directory, {
    ...SOUND,
    ...Object.fromEntries(planted),
    'src/shed/sound.ts': 'export const sound = 1;',
  });
  const expected = PLANTED.map(([rule, from]) => `${rule}: ${from}`).sort();
  assert.deepEqual(await violationsIn(directory), expected);
});

test('an import of a type alone is an import too', async (t) => {
  const directory = await temporaryDirectory(t);
  await plantTree(directory, {
    ...SOUND,
    'src/diagnose/word.ts': 'export type Word = string;',
    'src/lib/a.ts': "import type { Word } from '../diagnose/word.ts';\nexport type Words = Word[];",
  });
  assert.deepEqual(await violationsIn(directory), ['lib-imports-nothing-above: src/lib/a.ts']);
});

test('two files that import each other are found, and reported once', async (t) => {
  const directory = await temporaryDirectory(t);
  await plantTree(directory, {
    ...SOUND,
    'src/lib/a.ts': "import './b.ts';",
    'src/lib/b.ts': "import './a.ts';",
  });
  assert.deepEqual(await violationsIn(directory), ['no-cycles: src/lib/a.ts']);
});

test('imports that go down break no rule', async (t) => {
  const directory = await temporaryDirectory(t);
  await plantTree(directory, SOUND);
  assert.deepEqual(await violationsIn(directory), []);
});

test('the sources of this project break no rule', async () => {
  assert.deepEqual(await violationsIn(ROOT), []);
});
