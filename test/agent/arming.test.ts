import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Arming,
  type ArmingView,
  DISARMED,
  explainArming,
  loadArming,
  nextArming,
  saveArming,
} from '../../src/agent/arming.ts';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import type { MemberEvidence } from '../../src/diagnose/evidence.ts';
import {
  CLUSTER_ID,
  OTHER_CLUSTER_ID,
  healthyCluster,
  observe,
  withMember,
  withRot,
  withServer,
  withStatus,
} from '../support/evidence.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const ARM_AFTER_MS = 600_000;

function viewOf(members: readonly (MemberEvidence | null)[], database: 'nb' | 'sb' = 'nb'): ArmingView {
  const observation = { ...observe(members), database };
  return { observation, diagnosis: diagnose(observation, { staleAfterMs: 30_000 }) };
}

const HEALTHY = viewOf(healthyCluster());
const WITH_ONE_DOWN = viewOf(
  withMember(healthyCluster(), 3, withServer({ state: 'down', detail: 'nobody listens' })),
);

function arming(...rounds: readonly (readonly [views: readonly ArmingView[], nowMs: number])[]): Arming {
  return rounds.reduce((state, [views, nowMs]) => nextArming(state, views, nowMs, ARM_AFTER_MS), DISARMED);
}

test('an agent is armed when all was healthy once and the time has passed since', () => {
  assert.equal(arming([[HEALTHY], 1_000]).armed, false);
  assert.equal(arming([[HEALTHY], 1_000], [[HEALTHY], 600_999]).armed, false);
  const armed = arming([[HEALTHY], 1_000], [[HEALTHY], 601_000]);
  assert.deepEqual(armed, { armed: true, healthySinceMs: 1_000, clusterIds: { nb: CLUSTER_ID } });
  assert.equal(
    arming([[HEALTHY], 1_000], [[WITH_ONE_DOWN], 300_000], [[WITH_ONE_DOWN], 601_000]).armed,
    true,
    'a fault in between is what an agent is for',
  );
});

test('nothing counts before every member of every database was healthy at one time', () => {
  const sick: readonly (readonly ArmingView[])[] = [
    [],
    [WITH_ONE_DOWN],
    [HEALTHY, viewOf([null, null, null], 'sb')],
    [viewOf(withMember(healthyCluster(), 2, withRot))],
    [viewOf([...healthyCluster().slice(0, 2), null])],
  ];
  for (const views of sick) assert.equal(arming([views, 1_000], [views, 999_999_999]).armed, false);
});

test('without a mark of each member in the history of the leader a later loss could not be seen', () => {
  for (const number of [1, 2, 3]) {
    const members = withMember(healthyCluster(), 1, (evidence) => ({
      ...evidence,
      standings: evidence.standings.filter(({ mark }) => mark.node !== `n${String(number)}`),
    }));
    assert.equal(arming([[viewOf(members)], 1_000]).healthySinceMs, null);
    const unknown = withMember(healthyCluster(), 1, (evidence) => ({
      ...evidence,
      standings: evidence.standings.map((entry) =>
        entry.mark.node === `n${String(number)}` ? { ...entry, standing: 'unknown' as const } : entry,
      ),
    }));
    assert.equal(arming([[viewOf(unknown)], 1_000]).healthySinceMs, null);
  }
});

test('a clock that goes back starts the wait again', () => {
  const state = arming([[HEALTHY], 900_000], [[HEALTHY], 1_000]);
  assert.equal(state.healthySinceMs, 1_000);
  assert.equal(nextArming(state, [HEALTHY], 600_999, ARM_AFTER_MS).armed, false);
});

test('another cluster must be earned anew, an armed agent is disarmed by it', () => {
  const armed = arming([[HEALTHY], 0], [[HEALTHY], ARM_AFTER_MS]);
  const rebuilt = viewOf(
    healthyCluster().map((evidence) => withStatus({ clusterId: OTHER_CLUSTER_ID })(evidence)),
  );
  const after = nextArming(armed, [rebuilt], ARM_AFTER_MS + 1, ARM_AFTER_MS);
  assert.deepEqual(after, { armed: false, healthySinceMs: null, clusterIds: { nb: OTHER_CLUSTER_ID } });
});

test('an armed agent stays armed while members are down or no leader is known', () => {
  const armed = arming([[HEALTHY], 0], [[HEALTHY], ARM_AFTER_MS]);
  const leaderless = viewOf(
    withMember(healthyCluster(), 1, withServer({ state: 'down', detail: 'nobody listens' })),
  );
  for (const view of [WITH_ONE_DOWN, leaderless])
    assert.equal(nextArming(armed, [view], ARM_AFTER_MS + 1, ARM_AFTER_MS), armed);
});

test('what is missing is said in words', () => {
  assert.match(explainArming(DISARMED, 0, ARM_AFTER_MS), /^not every member/);
  const waiting = arming([[HEALTHY], 1_000]);
  assert.equal(explainArming(waiting, 2_000, ARM_AFTER_MS), 'healthy; armed in 599 s');
  assert.match(explainArming({ ...waiting, armed: true }, 0, ARM_AFTER_MS), /marks were exchanged$/);
});

test('the state outlives the agent; what cannot be understood means disarmed', async (t) => {
  const path = join(await temporaryDirectory(t), 'armed.json');
  assert.deepEqual(await loadArming(path), DISARMED);
  const armed = arming([[HEALTHY], 0], [[HEALTHY], ARM_AFTER_MS]);
  await saveArming(path, armed);
  assert.deepEqual(await loadArming(path), armed);
  const text = await readFile(path, 'utf8');
  for (const bad of [
    '',
    text.slice(0, -3),
    '{"armed":true}',
    text.replace('"armed":true', '"armed":"yes"'),
  ]) {
    await writeFile(path, bad);
    assert.deepEqual(await loadArming(path), DISARMED, bad);
  }
});
