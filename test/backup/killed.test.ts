import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Copies, copiesLayout, openCopies } from '../../src/backup/copies.ts';
import { databaseSha256 } from '../../src/backup/copy-item.ts';
import { takeBackup } from '../../src/backup/take.ts';
import { LedgerWriter, startTestCluster } from '../engine/support/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { checkClusterOf, faultsOf, takeRequest } from './support.ts';

const LOOP = fileURLToPath(new URL('take-in-a-loop.ts', import.meta.url));
const KILLS = 30;
const LONGEST_LIFE_MS = 400;

function failOnWarning(message: string): never {
  throw new Error(message);
}

/** Runs the loop, lets it open the store, and kills it `lifeMs` later. */
async function runAndKill(stateDir: string, file: string, lifeMs: number): Promise<void> {
  const child = spawn(process.execPath, [LOOP, stateDir, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exited]);
  await delay(lifeMs);
  child.kill('SIGKILL');
  const [exitCode, signal] = (await exited) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', `it ended by itself with ${String(exitCode)}`);
}

describe('a backup that is killed', () => {
  it(`${String(KILLS)} times at random moments never shows a partial item, and a later one works`, async (t) => {
    const stateDir = await temporaryDirectory(t);
    const cluster = await startTestCluster(t, { database: 'nb', members: 1 });
    const { file } = cluster.member(0).paths;
    // Always something new to copy: an unchanged file would only be confirmed.
    const writer = new LedgerWriter(cluster, { rowsPerSecond: 200, paddingBytes: 2_000, maxRows: 100_000 });
    await writer.write(200);
    writer.start();
    const resting = new Copies(copiesLayout(stateDir), failOnWarning);
    let leftovers = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const lifeMs = Math.floor(Math.random() * LONGEST_LIFE_MS);
      await runAndKill(stateDir, file, lifeMs);
      assert.deepEqual(await faultsOf(resting), [], `after kill ${String(kill)}, ${String(lifeMs)} ms`);
      leftovers += (await readdir(resting.layout.staging)).length > 0 ? 1 : 0;
    }
    await writer.stop();
    assert.ok(leftovers > 0, 'no kill ever hit a backup in its midst: the test shows nothing');
    const taken = (await resting.read()).items.length;
    assert.ok(taken > 0, 'no backup was ever finished: every kill came too early');
    t.diagnostic(`${String(leftovers)} of ${String(KILLS)} kills left something half done`);

    const copies = await openCopies(stateDir, failOnWarning);
    assert.deepEqual(await readdir(copies.layout.staging), []);
    const { item } = await takeBackup(copies, takeRequest(file));
    assert.deepEqual(item.verdict, { state: 'verified' });
    const sha256 = databaseSha256(item) ?? '';
    assert.equal(await checkClusterOf(copies, sha256, join(stateDir, 'scratch')), 'ok');
  });
});
