import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ESLint } from 'eslint';
import { ROOT } from './run-command.ts';

/** Each text stands in for a real file, so that the rules know its types. */
const PLANTED = [
  {
    title: 'a promise that nobody waits for',
    file: 'src/lib/clock.ts',
    text: 'export function start(): void {\n  Promise.resolve(1);\n}\n',
    rule: '@typescript-eslint/no-floating-promises',
  },
  {
    title: 'a value of any type that is handed on',
    file: 'src/lib/clock.ts',
    text: 'export function parse(text: string): string {\n  return JSON.parse(text);\n}\n',
    rule: '@typescript-eslint/no-unsafe-return',
  },
  {
    title: 'a union that is not handled to its end',
    file: 'src/lib/clock.ts',
    text: "export function f(x: 'a' | 'b'): void {\n  switch (x) {\n    case 'a':\n      break;\n  }\n}\n",
    rule: '@typescript-eslint/switch-exhaustiveness-check',
  },
  {
    title: 'the environment, read outside of the configuration',
    file: 'src/lib/clock.ts',
    text: 'export const home = process.env;\n',
    rule: 'no-restricted-properties',
  },
  {
    title: 'a default export',
    file: 'src/lib/clock.ts',
    text: 'export default 1;\n',
    rule: 'no-restricted-syntax',
  },
  {
    title: 'printing past the logger',
    file: 'src/lib/clock.ts',
    text: "console.log('x');\n",
    rule: 'no-console',
  },
  {
    title: 'a promise that nobody waits for, in a test',
    file: 'test/house/lint-rules.test.ts',
    text: 'Promise.resolve(1);\n',
    rule: '@typescript-eslint/no-floating-promises',
  },
];

const eslint = new ESLint({ cwd: ROOT });

async function rulesBrokenBy(text: string, file: string): Promise<readonly (string | null)[]> {
  const [result] = await eslint.lintText(text, { filePath: join(ROOT, file) });
  return result?.messages.map(({ ruleId }) => ruleId) ?? [];
}

for (const { title, file, text, rule } of PLANTED) {
  test(`lint finds ${title}`, async () => {
    assert.deepEqual(await rulesBrokenBy(text, file), [rule]);
  });
}

test('lint lets the configuration read the environment', async () => {
  assert.deepEqual(await rulesBrokenBy('export const all = process.env;\n', 'src/config/schema.ts'), []);
});

test('lint lets a test file call test() without waiting', async () => {
  const text = "import { test } from 'node:test';\n\ntest('x', () => undefined);\n";
  assert.deepEqual(await rulesBrokenBy(text, 'test/house/lint-rules.test.ts'), []);
});
