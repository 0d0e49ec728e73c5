import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestWord } from '../../src/lib/nearest-word.ts';

test('the nearest word is the one with the fewest edits', () => {
  const words = ['mode', 'node', 'armAfterMs', 'cooldownMs'];
  assert.equal(nearestWord('mod', words), 'mode');
  assert.equal(nearestWord('Node', words), 'node');
  assert.equal(nearestWord('armafterms', words), 'armAfterMs');
  assert.equal(nearestWord('coldownMs', words), 'cooldownMs');
});

test('a word that is far from all is not guessed at', () => {
  assert.equal(nearestWord('zebra', ['mode', 'node']), undefined);
  assert.equal(nearestWord('x', []), undefined);
});
