import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import {
  type ObjectPlace,
  checkObject,
  extractObject,
  listObjects,
  objectPath,
  putObject,
} from '../../src/backup/object-store.ts';
import { WardenError } from '../../src/lib/errors.ts';
import { flipByte, waitFor } from '../engine/support/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface Shop {
  readonly place: ObjectPlace;
  readonly source: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

async function shop(t: TestContext, bytes = randomBytes(3_000_000)): Promise<Shop> {
  const root = await temporaryDirectory(t);
  const place = { objects: join(root, 'objects'), staging: join(root, 'staging') };
  await mkdir(place.objects);
  await mkdir(place.staging);
  const source = join(root, 'source');
  await writeFile(source, bytes);
  return { place, source, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

describe('the object store', () => {
  it('stores bytes under their own digest, in gzip that any tool can undo', async (t) => {
    const { place, source, bytes, sha256 } = await shop(t);
    const stored = await putObject(place, source);
    assert.equal(stored.sha256, sha256);
    assert.equal(stored.sizeBytes, bytes.length);
    const compressed = await readFile(objectPath(place, sha256));
    assert.equal(stored.storedBytes, compressed.length);
    assert.ok(gunzipSync(compressed).equals(bytes));
    assert.deepEqual(await readdir(place.staging), []);
  });

  it('stores an empty file too', async (t) => {
    const { place, source, sha256 } = await shop(t, Buffer.alloc(0));
    assert.equal((await putObject(place, source)).sizeBytes, 0);
    assert.equal(await checkObject(place, sha256), 'sound');
  });

  it('stores identical bytes once, and renews the time of the object so that no sweep takes it', async (t) => {
    const { place, source, sha256 } = await shop(t);
    await putObject(place, source);
    const path = objectPath(place, sha256);
    const long = new Date('2020-01-01T00:00:00Z');
    await utimes(path, long, long);
    const { ino } = await stat(path);
    await putObject(place, source);
    const after = await stat(path);
    assert.equal(after.ino, ino);
    assert.ok(after.mtimeMs > long.getTime());
    assert.equal((await listObjects(place)).length, 1);
  });

  for (const [name, where] of [
    ['in its gzip header', 0],
    ['in the middle', 0.5],
    ['in its last byte', 1],
  ] as const) {
    it(`finds an object that is damaged ${name}, and replaces it when the bytes come again`, async (t) => {
      const { place, source, sha256 } = await shop(t);
      const { storedBytes } = await putObject(place, source);
      flipByte(objectPath(place, sha256), Math.floor((storedBytes - 1) * where));
      assert.equal(await checkObject(place, sha256), 'damaged');
      await assert.rejects(extractObject(place, sha256, `${source}.out`));
      await putObject(place, source);
      assert.equal(await checkObject(place, sha256), 'sound');
    });
  }

  it('calls a cut object damaged and an absent one missing', async (t) => {
    const { place, source, sha256 } = await shop(t);
    assert.equal(await checkObject(place, sha256), 'missing');
    await putObject(place, source);
    const path = objectPath(place, sha256);
    await writeFile(path, (await readFile(path)).subarray(0, 1000));
    assert.equal(await checkObject(place, sha256), 'damaged');
  });

  it('gives back the original bytes with the wanted mode, and never over a file that is there', async (t) => {
    const { place, source, bytes, sha256 } = await shop(t);
    await putObject(place, source);
    const out = `${source}.out`;
    await extractObject(place, sha256, out, { mode: 0o640 });
    assert.ok((await readFile(out)).equals(bytes));
    assert.equal((await stat(out)).mode & 0o777, 0o640);
    await writeFile(out, 'mine');
    await assert.rejects(extractObject(place, sha256, out), { code: 'EEXIST' });
    assert.equal(await readFile(out, 'utf8'), 'mine');
  });

  it('reads back what it wrote, and refuses what is not what it had read', async (t) => {
    const { place, source, bytes } = await shop(t, randomBytes(30_000_000));
    const put = putObject(place, source);
    await Promise.all([
      assert.rejects(put, { code: 'state-corrupt', message: /should have sha256/ }),
      // The digest is known by now: from here on the source is another file.
      waitFor('the compression to begin', async () => (await readdir(place.staging))[0]).then(() => {
        flipByte(source, bytes.length - 1);
      }),
    ]);
    assert.deepEqual(await readdir(place.objects), []);
    assert.deepEqual(await readdir(place.staging), []);
  });

  it('leaves nothing behind when it is stopped', async (t) => {
    const { place, source } = await shop(t, randomBytes(20_000_000));
    const stop = new AbortController();
    const put = putObject(place, source, stop.signal);
    setTimeout(() => {
      stop.abort();
    }, 30);
    await assert.rejects(put);
    assert.deepEqual(await readdir(place.objects), []);
    assert.deepEqual(await readdir(place.staging), []);
  });

  it('takes no name but a digest, so that none can lead out of the store', async (t) => {
    const { place } = await shop(t);
    for (const name of [
      '../../etc/passwd',
      '',
      'A'.repeat(64),
      `${'a'.repeat(64)}/x`,
      `${'a'.repeat(64)}\n`,
    ]) {
      assert.throws(
        () => objectPath(place, name),
        (error) => error instanceof WardenError && error.code === 'state-corrupt',
      );
    }
  });
});
