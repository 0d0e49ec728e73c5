import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CopyItem } from '../../src/backup/copy-item.ts';
import type { Diagnosis } from '../../src/diagnose/verdict.ts';
import {
  LedgerWriter,
  type Member,
  type SplitHistory,
  loseDataSilently,
  overtakeSoundMember,
  overwriteStranded,
  strandSoundMember,
  waitFor,
} from './support/index.ts';
import { type WatchedCluster, startWatchedCluster } from './support/watched-cluster.ts';

const ROWS = 40;

test('when the member with the error is the only good copy, the agents say so, preserve it and touch nothing', async (t) => {
  const watched = await startWithRows(t);
  const before = sha256Of(soundMember(await watched.cluster.waitUntilCaughtUp()));
  const lab = await loseDataSilently(watched.cluster);

  const said = await everyAgentRefuses(watched, lab);
  const verdict = said.members.find(({ node }) => node === lab.sound.node)?.verdict;
  assert.ok(verdict === 'ahead' || verdict === 'diverged', `the good copy is called ${String(verdict)}`);
  assert.ok(
    preservedSha256(watched, lab.sound).has(before),
    'the good copy as it was before the crash is preserved',
  );
  await waitFor('the good copy as it is now to be preserved', () =>
    preservedSha256(watched, lab.sound).has(sha256Of(lab.sound)) ? true : undefined,
  );
});

test('when the liars have overtaken the good copy and it joined them without a word, the loss is still known', async (t) => {
  const watched = await startWithRows(t);
  const before = sha256Of(soundMember(await watched.cluster.waitUntilCaughtUp()));
  const lab = await overtakeSoundMember(watched.cluster);
  assert.match((await lab.sound.status()).membershipText, /cluster member/);

  await everyAgentRefuses(watched, lab);
  assert.ok(
    preservedSha256(watched, lab.sound).has(before),
    'the good copy was preserved while its server was down',
  );
});

test('when the good copy is alive but rejected for ever, its file is preserved before a compaction overwrites it', async (t) => {
  const watched = await startWithRows(t);
  const before = sha256Of(soundMember(await watched.cluster.waitUntilCaughtUp()));
  const lab = await strandSoundMember(watched.cluster);

  await everyAgentRefuses(watched, lab);
  await overwriteStranded(watched.cluster, lab);
  await everyAgentRefuses(watched, lab);
  assert.ok(
    preservedSha256(watched, lab.sound).has(before),
    'the good copy was preserved while its server was down',
  );
});

async function startWithRows(t: Parameters<typeof startWatchedCluster>[0]): Promise<WatchedCluster> {
  return await startWatchedCluster(t, {
    database: 'nb',
    prepare: async (cluster) => {
      const ledger = new LedgerWriter(cluster);
      await ledger.write(ROWS);
      await ledger.stop();
    },
  });
}

/** The lab takes the leader for its sound member. */
function soundMember(leader: Member): Member {
  return leader;
}

/** Every agent calls the cluster regressed and freezes, and none has begun an act or will begin one. */
async function everyAgentRefuses(watched: WatchedCluster, lab: SplitHistory): Promise<Diagnosis> {
  for (const { node } of watched.cluster.members) {
    const what = `the agent of ${node} to say that the cluster has regressed`;
    await watched.waitForDiagnosis(
      watched.agentOf(node),
      what,
      ({ cluster, frozen }) => cluster === 'regressed' && frozen,
    );
  }
  const acts = watched.journals().filter(({ step }) => step === 'compacting');
  assert.deepEqual(acts, [], 'no agent asked a server to compact');
  const sound = watched.agentOf(lab.sound.node);
  return await watched.waitForDiagnosis(sound, 'a diagnosis', () => true);
}

function preservedItems(watched: WatchedCluster, member: Member): readonly CopyItem[] {
  const directory = join(watched.agentOf(member.node).stateDir, 'copies', 'items');
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as CopyItem)
    .filter(({ kind }) => kind === 'preserved')
    .toSorted((a, b) => a.sequence - b.sequence);
}

function preservedSha256(watched: WatchedCluster, member: Member): ReadonlySet<string> {
  return new Set(preservedItems(watched, member).flatMap(({ files }) => files.map(({ sha256 }) => sha256)));
}

function sha256Of(member: Member): string {
  return createHash('sha256').update(readFileSync(member.paths.file)).digest('hex');
}
