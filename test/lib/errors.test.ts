import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ERROR_CODES, WardenError, messageOf, systemCodeOf } from '../../src/lib/errors.ts';

test('an error carries its code, its hint, plain details and the original', () => {
  const cause = new Error('disk on fire');
  const error = new WardenError('no-space', 'no room', { hint: 'make room', cause, details: { bytes: 7 } });
  assert.equal(error.name, 'WardenError');
  assert.deepEqual([error.code, error.message, error.hint], ['no-space', 'no room', 'make room']);
  assert.deepEqual(error.details, { bytes: 7 });
  assert.equal(error.cause, cause);
});

test('an error without options has no hint, no cause and empty details', () => {
  const error = new WardenError('usage', 'what?');
  assert.deepEqual([error.hint, 'cause' in error, error.details], [undefined, false, {}]);
});

test('every code is there once', () => {
  assert.equal(new Set(ERROR_CODES).size, ERROR_CODES.length);
});

test('anything that was thrown has a text', () => {
  assert.equal(messageOf(new Error('a')), 'a');
  assert.equal(messageOf('b'), 'b');
  assert.equal(messageOf(undefined), 'undefined');
});

test('only a system error has a system code', () => {
  assert.throws(
    () => readFileSync('/nonexistent/file'),
    (error) => systemCodeOf(error) === 'ENOENT',
  );
  assert.equal(systemCodeOf(new Error('a')), undefined);
  assert.equal(systemCodeOf(Object.assign(new Error('a'), { code: 5 })), undefined);
  assert.equal(systemCodeOf({ code: 'ENOENT' }), undefined);
});
