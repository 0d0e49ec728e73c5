import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import type { MemberEvidence } from '../../src/diagnose/evidence.ts';
import {
  healthyCluster,
  markOf,
  observe,
  positionOf,
  withMember,
  withStanding,
} from '../support/evidence.ts';

const HIDDEN = markOf(2, positionOf(120));

test('a mark that no member can show any more counts as lost', () => {
  const { cluster, frozen, because } = judge(
    withMember(healthyCluster(), 1, withStanding(HIDDEN, 'unknown')),
  );
  assert.equal(cluster, 'regressed');
  assert.equal(frozen, true);
  assert.match(because, /cannot be shown by any member/);
});

test('a mark that a snapshot hides at the leader is not lost while another member shows it', () => {
  const hidden = withMember(healthyCluster(), 1, withStanding(HIDDEN, 'unknown'));
  assert.equal(judge(withMember(hidden, 2, withStanding(HIDDEN, 'contained'))).cluster, 'ok');
});

test('nothing is called lost while an agent is silent that may show it', () => {
  const hidden = withMember(healthyCluster(), 1, withStanding(HIDDEN, 'unknown'));
  const observation = observe(hidden);
  const nodes = observation.nodes.map((view, at) =>
    at === 2 ? { ...view, evidence: null, ageMs: null } : view,
  );
  assert.notEqual(diagnose({ ...observation, nodes }, { staleAfterMs: 30_000 }).cluster, 'regressed');
});

function judge(members: readonly MemberEvidence[]) {
  return diagnose(observe(members), { staleAfterMs: 30_000 });
}
