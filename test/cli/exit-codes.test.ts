import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodeOf } from '../../src/cli/exit-codes.ts';
import { ERROR_CODES, WardenError } from '../../src/lib/errors.ts';

test('every error has an exit code: 2 for usage, 4 for a guard, 1 for all others', () => {
  const special = new Map([
    ['usage', 2],
    ['guard-refused', 4],
  ]);
  for (const code of ERROR_CODES)
    assert.equal(exitCodeOf(new WardenError(code, 'x')), special.get(code) ?? 1, code);
  assert.equal(exitCodeOf(new Error('a bug')), 1);
  assert.equal(exitCodeOf('thrown text'), 1);
});
