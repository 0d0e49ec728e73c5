import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineSplitter, MAX_LINE_BYTES, type RawLine } from '../../src/watch/log-splitter.ts';

function split(chunks: readonly Buffer[], splitter = new LineSplitter()): RawLine[] {
  const lines = chunks.flatMap((chunk) => splitter.push(chunk));
  const last = splitter.end();
  return last === undefined ? lines : [...lines, last];
}

test('lines and their offsets do not depend on how the bytes were cut into chunks', () => {
  const bytes = fc
    .array(fc.constantFrom(0x0a, 0x0d, 0x61, 0xff, 0xc3, 0xa4, 0))
    .map((all) => Buffer.from(all));
  fc.assert(
    fc.property(fc.array(bytes), (chunks) => {
      const whole = Buffer.concat(chunks);
      const lines = split(chunks);
      assert.deepEqual(lines, split([whole]));
      assert.equal(lines.map(({ text }) => text).join('\n'), whole.toString('utf8').replace(/\n$/, ''));
      for (const { offset } of lines) assert.ok(offset === 0 || whole[offset - 1] === 0x0a);
    }),
  );
});

test('splitting can stop at any chunk and go on from its position', () => {
  const long = Buffer.from(`one\n${'x'.repeat(MAX_LINE_BYTES * 2)}\ntwo\nthree\n`);
  for (const cut of [2, 4, 100, MAX_LINE_BYTES + 50, MAX_LINE_BYTES * 2 + 5, MAX_LINE_BYTES * 2 + 7]) {
    const first = new LineSplitter();
    const lines = first.push(long.subarray(0, cut));
    const second = new LineSplitter(first.position);
    lines.push(...second.push(long.subarray(first.position.offset)));
    assert.deepEqual(
      lines.map(({ text }) => text.length),
      [3, MAX_LINE_BYTES, 3, 5],
      String(cut),
    );
  }
});

test('a line that is too long is cut once, however long it is', () => {
  const chunk = Buffer.alloc(100_000, 'x');
  const lines = split([...Array.from({ length: 50 }, () => chunk), Buffer.from('\nnext\n')]);
  assert.deepEqual(
    lines.map(({ offset, text }) => [offset, text.length]),
    [
      [0, MAX_LINE_BYTES],
      [5_000_001, 4],
    ],
  );
});
