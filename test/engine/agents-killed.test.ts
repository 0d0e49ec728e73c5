import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { HEAL_STEPS, type HealStep, type JournalEntry } from '../../src/heal/journal.ts';
import { verifyFile } from '../../src/ovsdb/verify-file.ts';
import { LedgerWriter, type Member, flipRecord, waitFor } from './support/index.ts';
import { type WatchedCluster, journalIn, startWatchedCluster } from './support/watched-cluster.ts';

const HEAL_TIMEOUT_MS = 90_000;

for (const step of HEAL_STEPS) {
  test(`an agent that is killed once its journal says "${step}" finishes or stops safely after a restart`, async (t) => {
    await killAndRestart(t, step, 0);
  });
}

test('an agent that is killed while its server compacts finishes or stops safely after a restart', async (t) => {
  await killAndRestart(t, 'compacting', 3);
});

async function killAndRestart(t: TestContext, step: HealStep, delayMs: number): Promise<void> {
  const watched = await startWatchedCluster(t, {
    database: 'nb',
    overrides: {
      heal: {
        mode: 'auto',
        turnMs: 4_000,
        compactTimeoutMs: 2_000,
        armAfterMs: 0,
        cooldownMs: 0,
        retryMs: 500,
      },
    },
  });
  const ledger = new LedgerWriter(watched.cluster, { rowsPerSecond: 20 });
  await ledger.write(30);
  ledger.start();
  const [victim] = await watched.cluster.followers();
  assert.ok(victim);
  const agent = watched.agentOf(victim.node);

  await agent.stop();
  const preload = new URL(
    `../support/kill-after-step.ts?step=${step}&delayMs=${String(delayMs)}`,
    import.meta.url,
  );
  await agent.start(['--import', preload.href]);
  flipRecord(victim.paths.file);
  await waitFor('the agent to die', () => (agent.isRunning ? undefined : true), HEAL_TIMEOUT_MS);
  const inodeAtDeath = statSync(victim.paths.file).ino;
  assert.ok(
    journalIn(agent.stateDir).some((entry) => entry.step === step),
    'the journal is readable and holds the step',
  );

  await agent.start();
  await healed(watched, victim);
  await ledger.stop();
  const journal = journalIn(agent.stateDir);
  assertClosedOnce(journal);
  assertOneActAtMostWasWasted(journal, inodeAtDeath, victim);
  assert.deepEqual(await ledger.missing(victim), [], 'nothing acknowledged is missing');
}

/** The file of the victim verifies, and its own agent says that all is well. */
async function healed(watched: WatchedCluster, victim: Member): Promise<void> {
  await watched.waitForDiagnosis(
    watched.agentOf(victim.node),
    'all members to be healthy again',
    ({ cluster }) => cluster === 'ok',
  );
  const { report } = await verifyFile(victim.paths.file);
  assert.deepEqual(report.problems, []);
}

/** Every heal of the journal has come to exactly one end. */
function assertClosedOnce(journal: readonly JournalEntry[]): void {
  const ids = new Set(journal.map(({ healId }) => healId));
  for (const id of ids) {
    const ends = journal.filter(({ healId, step }) => healId === id && step === 'closed');
    assert.equal(ends.length, 1, `heal ${id} has ${String(ends.length)} ends`);
  }
}

/** A second compaction is asked for only when the first one had not reached the server. */
function assertOneActAtMostWasWasted(
  journal: readonly JournalEntry[],
  inodeAtDeath: number,
  victim: Member,
): void {
  const asked = journal.filter(({ step }) => step === 'compacting');
  assert.ok(asked.length <= 2, `the server was asked ${String(asked.length)} times`);
  const abandoned = journal.filter(({ step, outcome }) => step === 'closed' && outcome === 'abandoned');
  if (asked.length === 2) assert.equal(abandoned.length, 1, 'the first request never reached the server');
  const healedBy = journal.filter(({ outcome }) => outcome === 'healed');
  assert.equal(healedBy.length, 1, 'one heal ended as healed');
  assert.ok(inodeAtDeath > 0 && statSync(victim.paths.file).ino > 0);
}
