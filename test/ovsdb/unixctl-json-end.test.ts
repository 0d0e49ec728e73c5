import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonEndFinder } from '../../src/ovsdb/unixctl-json-end.ts';

test('the end of an object is found wherever the stream is split', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
      fc.string(),
      fc.integer({ min: 1, max: 20 }),
      (object, rest, portion) => {
        const json = Buffer.from(JSON.stringify(object));
        const stream = Buffer.concat([json, Buffer.from(rest)]);
        const finder = new JsonEndFinder();
        for (let offset = 0; offset < stream.length; offset += portion) {
          const end = finder.feed(stream.subarray(offset, offset + portion));
          if (end !== undefined) {
            assert.equal(offset + end, json.length);
            return;
          }
        }
        assert.fail('the end was not found');
      },
    ),
  );
});

test('an object that is not over has no end', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (object, cut) => {
      const json = Buffer.from(JSON.stringify(object));
      assert.equal(new JsonEndFinder().feed(json.subarray(0, cut % json.length)), undefined);
    }),
  );
});
