import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GUARD_IDS } from '../../src/heal/guard.ts';
import { documentedWords } from '../support/documented-words.ts';

test('the page on guards lists exactly the guards there are, in their order', () => {
  assert.deepEqual(documentedWords('guards.md'), [[...GUARD_IDS]]);
});
