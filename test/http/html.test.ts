import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { html } from '../../src/http/html.ts';

test('inserted text is escaped, markup from the same template is not', () => {
  const inner = html`<b>${'<&"\'>'}</b>`;
  assert.equal(inner.markup, '<b>&lt;&amp;&quot;&#39;&gt;</b>');
  assert.equal(
    html`<p>${inner}${[inner, inner]}${7}</p>`.markup,
    `<p>${inner.markup}${inner.markup}\n${inner.markup}7</p>`,
  );
});

test('no text can open a tag or leave an attribute', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.doesNotMatch(html`${text}`.markup, /[<>"']/);
    }),
  );
});
