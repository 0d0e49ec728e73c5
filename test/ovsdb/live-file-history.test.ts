import assert from 'node:assert/strict';
import { renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LiveFileVerifier } from '../../src/ovsdb/live-file-verifier.ts';
import { temporaryDirectory } from '../engine/support/index.ts';
import { commit, entries, entry, eidOf, header, logOf } from './small-log.ts';

const CHECK = { mode: 'incremental', writerAlive: true } as const;
const SNAPSHOT = { prev_index: 12, prev_term: 2, prev_eid: eidOf(912) };

test('a log that goes on and is then compacted between two looks continues', async (t) => {
  const { path, verifier } = await looked(t);
  writeFileSync(path, logOf(header(), ...entries(2, 12)));
  replace(path, logOf(header({ prev_index: 12, prev_term: 1, prev_eid: eidOf(12) })));
  assert.equal((await verifier.check(CHECK)).continues, true);
});

test('a log whose end was dropped, written anew and compacted between two looks does not continue', async (t) => {
  const { path, verifier } = await looked(t);
  const other = Array.from({ length: 7 }, (_, at) => [
    entry(6 + at, 2, { eid: eidOf(906 + at) }),
    commit(6 + at),
  ]).flat();
  truncateSync(path, 0);
  writeFileSync(path, logOf(header(), ...entries(2, 5), ...other), { flag: 'r+' });
  replace(path, logOf(header(SNAPSHOT)));
  assert.equal((await verifier.check(CHECK)).continues, false);
});

test('an end that was written anew with the same sizes and the same commits is noticed by its entries', async (t) => {
  const { path, verifier } = await looked(t);
  const other = Array.from({ length: 5 }, (_, at) => [
    entry(6 + at, 2, { eid: eidOf(906 + at) }),
    commit(6 + at),
  ]).flat();
  writeFileSync(path, logOf(header(), ...entries(2, 5), ...other), { flag: 'r+' });
  const { history, mode } = await verifier.check(CHECK);
  assert.equal(mode, 'full');
  const found = history.positionAt(10);
  assert.equal(found.state === 'known' && found.position.eid, eidOf(910));
});

/** A verifier that has read entries 2 to 10. */
async function looked(t: Parameters<typeof temporaryDirectory>[0]) {
  const path = join(temporaryDirectory(t), 'x.db');
  writeFileSync(path, logOf(header(), ...entries(2, 10)));
  const verifier = new LiveFileVerifier(path);
  t.after(async () => {
    await verifier.close();
  });
  await verifier.check(CHECK);
  return { path, verifier };
}

/** As a server compacts: another inode under the same name. */
function replace(path: string, content: Buffer): void {
  writeFileSync(`${path}.tmp`, content);
  renameSync(`${path}.tmp`, path);
}
