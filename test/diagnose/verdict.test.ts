import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLUSTER_VERDICTS, VERDICTS } from '../../src/diagnose/verdict.ts';
import { documentedWords } from '../support/documented-words.ts';

test('the page on verdicts lists exactly the verdicts there are, in their order', () => {
  assert.deepEqual(documentedWords('verdicts.md'), [[...VERDICTS], [...CLUSTER_VERDICTS]]);
});
