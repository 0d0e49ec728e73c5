import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { listOptions } from '../../src/config/options.ts';
import { REFERENCE_URL, renderReference } from '../../tools/config-reference.ts';

test('the reference page is the one that the schema generates', () => {
  assert.equal(
    readFileSync(REFERENCE_URL, 'utf8'),
    renderReference(),
    'run: node tools/config-reference.ts --write',
  );
});

test('every key that holds a value says what it means', () => {
  const silent = listOptions().filter((option) => option.description === '' && option.type !== 'object');
  assert.deepEqual(silent, []);
});

test('keys inside lists and sections are listed with their whole path', () => {
  const keys = listOptions().map((option) => option.key);
  for (const key of ['node', 'peer.tls.caFile', 'peer.siblings[].url', 'logs[].database'])
    assert.ok(keys.includes(key), key);
});
