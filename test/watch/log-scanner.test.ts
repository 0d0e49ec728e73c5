import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/lib/clock.ts';
import type { LogFinding } from '../../src/watch/finding.ts';
import { createLogScanner, findingsIn } from '../../src/watch/log-scanner.ts';
import { withFolder } from './log-disk.ts';
import { labelledLines } from './real-lines.ts';

const LINES = labelledLines('error-lines.txt').map(({ text }) => text);
const LOCK = LINES.find((line) => line.includes('already locked')) ?? '';
const MISROUTED = LINES.find((line) => line.includes('misrouted')) ?? '';

test('a finding carries what the line says, and the database of the log when it says none', () => {
  const line = { id: 'g:7', offset: 7, stamp: null, text: MISROUTED, historic: true };
  assert.deepEqual(
    findingsIn({ path: '/x.log', database: 'sb', lines: [line, { ...line, text: 'all is well' }] }),
    [
      {
        id: 'g:7',
        signature: 'misrouted-message',
        class: 'identity',
        database: 'sb',
        file: '/x.log',
        line: null,
        offset: 7,
        at: '2026-11-23T05:14:36.747Z',
        text: MISROUTED,
        historic: true,
      },
    ],
  );
});

test('findings of a followed log arrive once, old ones marked, and again only when they were refused', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'ovsdb-server-nb.log');
    await writeFile(path, `${LOCK}\n`);
    const findings: LogFinding[] = [];
    let refusals = 1;
    const scanner = createLogScanner({
      files: [{ path, database: 'nb' }],
      checkpointFile: join(folder, 'positions'),
      clock: systemClock,
      pollMs: 50,
      log: { info: () => undefined, warn: () => undefined },
      onFindings: (found) => {
        refusals -= 1;
        if (refusals === 0) return Promise.reject(new Error('not now'));
        findings.push(...found);
        return Promise.resolve();
      },
    });
    await scanner.start();
    for (let n = 0; n < 400 && findings.length < 1; n += 1) await delay(25);
    await appendFile(path, `harmless\n${MISROUTED}\n`);
    for (let n = 0; n < 400 && findings.length < 2; n += 1) await delay(25);
    await scanner.stop();
    assert.deepEqual(
      findings.map(({ signature, historic, offset }) => [signature, historic, offset]),
      [
        ['lock-failed', true, 0],
        ['misrouted-message', false, Buffer.byteLength(`${LOCK}\nharmless\n`)],
      ],
    );
    assert.equal(scanner.counters.handoverErrors, 1);
  });
});
