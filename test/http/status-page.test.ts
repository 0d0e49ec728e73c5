import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderStatusPage } from '../../src/http/status-page.ts';
import { exampleStatusDocument, withTrouble } from '../support/example-status.ts';

test('the page shows every member of both databases with its verdict', () => {
  const page = renderStatusPage(exampleStatusDocument());
  assert.equal(page.match(/<span class="verdict good">healthy<\/span>/g)?.length, 6);
  assert.equal(page.match(/<span class="verdict good">ok<\/span>/g)?.length, 2);
  assert.match(page, /<h2>nb [^]*<h2>sb /);
  assert.match(page, /3 s ago/);
  assert.match(page, /<meta http-equiv="refresh" content="5">/);
});

test('trouble is shown in its own colour, with its reason', () => {
  const members = [
    { node: 'a', verdict: 'rotten', because: 'damaged record 12' },
    { node: 'ghost-entry', verdict: 'ghost', because: 'an entry that nobody knows' },
  ] as const;
  const page = renderStatusPage(withTrouble('nb', { cluster: 'at-risk', because: 'one bad file', members }));
  assert.match(page, /<span class="verdict bad">rotten<\/span>/);
  assert.match(page, /<span class="verdict bad">at-risk<\/span>/);
  assert.match(page, /damaged record 12/);
  assert.match(page, /ghost-entry<\/td><td>–/);
});

test('nothing that an agent says becomes markup, and nothing is loaded from elsewhere', () => {
  const attack = '"><script src="https://evil.example/x.js"></script>';
  const status = { ...withTrouble('nb', { because: attack }), node: attack };
  const page = renderStatusPage(status);
  assert.doesNotMatch(page, /<script|src="/);
  assert.match(page, /&lt;script/);
  assert.doesNotMatch(renderStatusPage(exampleStatusDocument()), /https?:\/\//);
});
