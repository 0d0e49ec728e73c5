import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonObjectScanner, MAX_MEMBER_BYTES, type ScanResult } from '../../src/ovsdb/log-json-scanner.ts';

function scan(
  text: string | Buffer,
  pieceBytes = Infinity,
  skip: ReadonlySet<string> = new Set(),
): ScanResult {
  const scanner = new JsonObjectScanner(skip);
  scanner.reset();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    scanner.feed(bytes, at, Math.min(bytes.length, at + pieceBytes));
  }
  return scanner.finish();
}

function membersOf(result: ScanResult): Record<string, unknown> {
  assert.ok(result.ok, result.ok ? '' : result.reason);
  return Object.fromEntries(
    [...result.members].map(([name, { text }]) => [name, text === null ? null : JSON.parse(text)]),
  );
}

/** What the server minds and JSON.parse does not: NUL, and half a surrogate pair. */
const isForServers = (text: string): boolean => !text.includes('\0') && text.isWellFormed();
const plainKey = fc
  .string({ unit: 'grapheme-ascii', maxLength: 12 })
  .filter((key) => !key.includes('\\') && !key.includes('"'));
const value = fc
  .jsonValue()
  .filter((json) => isForServers(JSON.stringify(json)) && !JSON.stringify(json).includes('\\u0000'));
const object = fc.dictionary(
  plainKey.filter((key) => key !== '__proto__'),
  value,
  { maxKeys: 20 },
);

test('the outermost members of any object are those that JSON.parse sees, in pieces of any size', () => {
  fc.assert(
    fc.property(object, fc.integer({ min: 1, max: 40 }), fc.constantFrom(0, 1, 2), (json, piece, indent) => {
      const text = JSON.stringify(json, null, indent);
      assert.deepEqual({ ...membersOf(scan(text, piece)) }, { ...(JSON.parse(text) as object) });
      assert.deepEqual(scan(text, piece), scan(text));
    }),
  );
});

test('damaged JSON is valid for the scanner exactly when it is for JSON.parse', () => {
  const bytes = fc.constantFrom(...Array.from('{}[],:"\\0123456789.eE+-truefalsnx \n\t\u0001'));
  const edit = fc.record({ at: fc.nat(), count: fc.nat(2), by: fc.string({ unit: bytes, maxLength: 2 }) });
  fc.assert(
    fc.property(object, fc.array(edit, { minLength: 1, maxLength: 3 }), fc.nat(20), (json, edits, piece) => {
      let text = JSON.stringify(json);
      for (const { at, count, by } of edits) {
        const place = at % (text.length + 1);
        text = text.slice(0, place) + by + text.slice(place + count);
      }
      fc.pre(text.isWellFormed() && !/\\u(?:0000|[dD])/.test(text));
      assert.equal(scan(text, piece + 1).ok, isObject(text), text);
    }),
    { numRuns: 2000 },
  );
});

function isObject(text: string): boolean {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && !Array.isArray(json);
  } catch {
    return false;
  }
}

for (const [text, ok] of [
  ['{"a":"\\u0001"}', true],
  ['{"a":"\\u0000"}', false],
  ['{"\\u0000":1}', false],
  ['{"a":"\\u0010\\u0100\\u1000"}', true],
  ['{"a":"\\ud83d\\ude00"}', true],
  ['{"a":"\\uD83D\\uDE00"}', true],
  ['{"a":"\\uD7FF\\ue000"}', true],
  ['{"a":"\\ud83d"}', false],
  ['{"a":"\\ud83dx"}', false],
  ['{"a":"\\ud83d\\n"}', false],
  ['{"a":"\\ud83d\\u0041"}', false],
  ['{"a":"\\ud83d\\ud83d"}', false],
  ['{"a":"\\ude00"}', true],
] as const) {
  test(`the escape in ${text} is ${ok ? 'taken' : 'refused'}, as by the server`, () => {
    for (const piece of [1, 3, Infinity]) assert.equal(scan(text, piece).ok, ok);
  });
}

test('text of a skipped or a very long member is not kept, but its syntax is checked', () => {
  const long = 'x'.repeat(MAX_MEMBER_BYTES);
  for (const piece of [1000, Infinity]) {
    assert.deepEqual(
      membersOf(scan(`{"data":["${long}"],"long":"${long}","term":7}`, piece, new Set(['data']))),
      {
        data: null,
        long: null,
        term: 7,
      },
    );
    assert.equal(scan(`{"data":["${long}",],"term":7}`, piece, new Set(['data'])).ok, false);
  }
});

test('an object that is too deep or has too many members is refused', () => {
  const deep = (levels: number): string => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  assert.equal(scan(deep(999)).ok, true);
  assert.deepEqual(scan(deep(1000)), { ok: false, reason: 'is nested deeper than 1000 levels' });
  const many = (count: number): string =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${String(at)}`, 1])));
  assert.equal(scan(many(64)).ok, true);
  assert.deepEqual(scan(many(65)), { ok: false, reason: 'has more than 64 members' });
});

test('a scanner is as new after a reset, whatever it was fed before', () => {
  const scanner = new JsonObjectScanner(new Set());
  for (const before of ['', '{"a', '{"a":"\\u00', '{"a":1', '[', '}', '{"a":[1,2', '{"a":1} x']) {
    scanner.reset();
    scanner.feed(Buffer.from(before), 0, before.length);
    scanner.reset();
    scanner.feed(Buffer.from('{"b":2}\n'), 0, 8);
    assert.deepEqual(membersOf(scanner.finish()), { b: 2 });
  }
});
