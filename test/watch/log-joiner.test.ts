import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeAll, joinLine, type LogLine, type OpenLines } from '../../src/watch/log-joiner.ts';
import { MAX_LINE_BYTES } from '../../src/watch/log-splitter.ts';

const STAMP = '2026-11-23T19:36:13.912461006Z';

function join(texts: readonly string[]): { lines: LogLine[]; open: OpenLines } {
  let open: OpenLines = {};
  const lines: LogLine[] = [];
  for (const [offset, text] of texts.entries()) {
    const result = joinLine(open, { offset, text });
    open = result.open;
    if (result.line !== null) lines.push(result.line);
  }
  return { lines, open };
}

test('pieces of two streams that were mixed are joined each with their own', () => {
  const { lines, open } = join([
    `${STAMP} stdout P one `,
    `${STAMP} stderr P two `,
    'plain',
    `${STAMP} stdout P and `,
    `${STAMP} stderr F done`,
    `${STAMP} stdout F more`,
  ]);
  assert.deepEqual(lines, [
    { offset: 2, stamp: null, text: 'plain' },
    { offset: 1, stamp: STAMP, text: 'two done' },
    { offset: 0, stamp: STAMP, text: 'one and more' },
  ]);
  assert.deepEqual(open, {});
});

test('a line that never ends is bounded, and given out when the log ends', () => {
  const piece = `${STAMP} stdout P ${'x'.repeat(16_384)}`;
  const { lines, open } = join([...Array.from({ length: 100 }, () => piece), `${STAMP} stderr P y`]);
  assert.deepEqual(lines, []);
  assert.deepEqual(
    closeAll(open).map(({ offset, text }) => [offset, text.length]),
    [
      [0, MAX_LINE_BYTES],
      [100, 1],
    ],
  );
});
