import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogWindow } from '../../src/ovsdb/log-window.ts';
import { VerifyPass } from '../../src/ovsdb/verify-pass.ts';
import { tailProblem } from '../../src/ovsdb/verify-report.ts';
import { commit, entries, entry, header, logOf } from './small-log.ts';

const SOUND = logOf(header(), ...entries(2, 5));
const NEXT = logOf(entry(6), commit(6));

/** Reads on in a file that by now has these bytes. `named`: no server is going to finish the end. */
async function readOn(pass: VerifyPass, bytes: Buffer, named: boolean): Promise<string | null> {
  const source = {
    read: (target: Buffer, position: number) => Promise.resolve(bytes.copy(target, 0, position)),
  };
  const tail = await pass.run(new LogWindow(source, bytes.length));
  if (tail !== null && named) pass.noteTail(tailProblem(tail, pass.ordinal));
  return tail?.detail ?? null;
}

test('what a torn end held is unknown; what the end of a sound file does not hold is beyond it', async () => {
  const pass = new VerifyPass();
  await readOn(pass, SOUND, true);
  assert.deepEqual(pass.history.positionAt(6), { state: 'beyond' });
  await readOn(pass, Buffer.concat([SOUND, NEXT.subarray(0, 100)]), true);
  assert.deepEqual(pass.history.positionAt(6), { state: 'unknown' });
  assert.equal(pass.history.positionAt(5).state, 'known');
  await readOn(pass, Buffer.concat([SOUND, NEXT]), true);
  assert.equal(pass.history.positionAt(6).state, 'known');
  assert.deepEqual([pass.history.positionAt(7), pass.problems], [{ state: 'beyond' }, []]);
});

test('a torn end that was cut off held nothing', async () => {
  const pass = new VerifyPass();
  await readOn(pass, Buffer.concat([SOUND, NEXT.subarray(0, 100)]), true);
  await readOn(pass, SOUND, true);
  assert.deepEqual(pass.history.positionAt(6), { state: 'beyond' });
});

test('a record that is still being written is not there yet', async () => {
  const pass = new VerifyPass();
  await readOn(pass, Buffer.concat([SOUND, NEXT.subarray(0, 100)]), false);
  assert.deepEqual(pass.history.positionAt(6), { state: 'beyond' });
});

test('records behind damage that hold no entry leave it open how far the log went', async () => {
  const pass = new VerifyPass();
  await readOn(pass, Buffer.concat([SOUND, NEXT.subarray(1, -1), logOf({ term: 2 })]), true);
  assert.deepEqual(pass.history.positionAt(6), { state: 'unknown' });
  assert.deepEqual(
    pass.problems.map(({ kind }) => kind),
    ['damaged-record'],
  );
});

for (const [what, bytes, wanted] of [
  ['zeros', Buffer.alloc(500), 'a run of at least 127 zero bytes is no header line'],
  ['noise', Buffer.from('\u0000\u001b[31mOVSDB\nmore'), '"..[31mOVSDB" is no header line'],
  ['a begun header line', Buffer.from('OVSDB CLU'), '"OVSDB CLU" is the beginning of a header line'],
] as const) {
  test(`an end of ${what} is named in words that a terminal can bear`, async () => {
    assert.equal(await readOn(new VerifyPass(), Buffer.concat([SOUND, bytes]), true), wanted);
  });
}
