import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERROR_CODES } from '../../src/lib/errors.ts';
import { ROOT } from './run-command.ts';

test('the page of errors has one row for each code, in the order of the source', async () => {
  const page = await readFile(join(ROOT, 'docs/reference/errors.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (\S.*) \| (\S.*) \|$/gm)];
  assert.deepEqual(
    rows.map(([, code]) => code),
    [...ERROR_CODES],
  );
});
