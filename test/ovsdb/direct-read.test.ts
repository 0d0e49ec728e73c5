import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDirect } from '../../src/ovsdb/direct-read.ts';
import { verifyFile } from '../../src/ovsdb/verify-file.ts';
import { temporaryDirectory } from '../engine/support/index.ts';
import { entries, header, logOf } from './small-log.ts';

for (const where of ['disk', 'memory'] as const) {
  test(`past the page cache on a ${where} filesystem: the same bytes, or it says that it cannot`, async (t) => {
    const folder = where === 'disk' ? temporaryDirectory(t) : mkdtempSync('/dev/shm/ovn-warden-');
    t.after(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const path = join(folder, 'bytes');
    const bytes = randomBytes(3_000_017);
    writeFileSync(path, bytes, { flush: true });
    const file = await openDirect(path);
    if (file !== null) {
      for (const [offset, length] of [
        [0, 10],
        [4095, 2],
        [1_000_003, 1_500_000],
        [3_000_000, 500],
        [3_000_017, 5],
      ] as const) {
        assert.deepEqual(await readAll(file, offset, length), bytes.subarray(offset, offset + length));
      }
      await file.close();
    }
    const log = join(folder, 'log.db');
    writeFileSync(log, logOf(header(), ...entries(2, 500)), { flush: true });
    const direct = await verifyFile(log, { direct: true });
    assert.equal(direct.pastPageCache, file === null ? 'unavailable' : 'yes');
    assert.deepEqual(direct.report, (await verifyFile(log)).report);
    assert.equal(direct.report.ok, true);
    t.diagnostic(`${where}: ${direct.pastPageCache}`);
  });
}

test('a file that is not there is an error, not a filesystem that cannot', async () => {
  await assert.rejects(openDirect('/nonexistent/file'), { code: 'ENOENT' });
});

async function readAll(
  file: { read(target: Buffer, position: number): Promise<number> },
  offset: number,
  length: number,
): Promise<Buffer> {
  const target = Buffer.alloc(length);
  let got = 0;
  while (got < length) {
    const more = await file.read(target.subarray(got), offset + got);
    if (more === 0) break;
    got += more;
  }
  return target.subarray(0, got);
}
