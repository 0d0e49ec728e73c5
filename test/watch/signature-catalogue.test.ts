import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { SIGNATURE_CLASSES } from '../../src/watch/finding.ts';
import { SIGNATURES } from '../../src/watch/signature-catalogue.ts';

test('the reference lists exactly the signatures and classes that exist, in their order', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/reference/signatures.md'), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '')));
  const [classes, signatures] = [
    rows.filter((row) => row.length === 2),
    rows.filter((row) => row.length === 4),
  ];
  assert.deepEqual(
    classes.map(([name]) => name),
    SIGNATURE_CLASSES.map((name) => `\`${name}\``),
  );
  assert.deepEqual(
    signatures,
    SIGNATURES.map(({ id, class: kind, meaning, next }) => [`\`${id}\``, `\`${kind}\``, meaning, next]),
  );
});
