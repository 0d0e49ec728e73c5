import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import type { MemberEvidence } from '../../src/diagnose/evidence.ts';
import type { CompactFacts } from '../../src/heal/compact-facts.ts';
import { compactGuards } from '../../src/heal/compact-guards.ts';
import { plan } from '../../src/heal/plan.ts';
import { anyObservation } from '../support/arbitrary-evidence.ts';
import { LIMITS, factsOf, rottenCluster } from '../support/compact-facts.ts';
import {
  COMMIT_INDEX,
  OTHER_CLUSTER_ID,
  markOf,
  nodeName,
  observe,
  positionOf,
  serverIdOf,
  withMember,
  withProblem,
  withReport,
  withRot,
  withServer,
  withServerLine,
  withStanding,
  withStatus,
  withStorage,
} from '../support/evidence.ts';

type Members = readonly (MemberEvidence | null)[];

interface Situation {
  readonly members: Members;
  readonly facts: Partial<CompactFacts>;
}

function refuses(facts: CompactFacts): boolean {
  return compactGuards(facts, LIMITS).some(({ ok }) => !ok);
}

function change(number: number, by: (evidence: MemberEvidence) => MemberEvidence) {
  return ({ members, facts }: Situation): Situation => ({
    facts,
    members: members.map((evidence, position) =>
      position === number - 1 && evidence !== null ? by(evidence) : evidence,
    ),
  });
}

/** Each makes a compaction wrong by itself; `who` is any member, `other` any other than the victim n3. */
function fault(size: number): fc.Arbitrary<(situation: Situation) => Situation> {
  const who = fc.integer({ min: 1, max: size });
  const other = who.filter((number) => number !== 3);
  const follower = who.filter((number) => number > 1);
  const mark = fc
    .record({ number: who, index: fc.integer({ min: 90, max: 160 }) })
    .map(({ number, index }) => markOf(number, positionOf(index, 3, 1)));
  return fc.oneof(
    who.map((number) => change(number, withServer({ state: 'down', detail: 'nobody listens' }))),
    who.map((number) => change(number, withServer({ state: 'silent', detail: 'no answer' }))),
    who.map((number) => change(number, withStatus({ membership: 'joining' }))),
    who.map((number) => ({ members, facts }: Situation) => ({
      facts,
      members: members.map((evidence, position) => (position === number - 1 ? null : evidence)),
    })),
    // ahead and diverged: the leader has not got what somebody once committed
    fc
      .record({ mark, standing: fc.constantFrom('beyond' as const, 'contradicted' as const) })
      .map(({ mark, standing }) => change(1, withStanding(mark, standing))),
    // unmarked: nobody shows what became of it
    mark.map((of) => change(1, withStanding({ ...of, serverId: serverIdOf(9), node: 'n9' }, 'unknown'))),
    follower.map((number) =>
      change(1, (evidence) => ({
        ...evidence,
        standings: evidence.standings.filter((entry) => entry.mark.node !== nodeName(number)),
      })),
    ),
    other.map((number) => change(number, withProblem('truncates-committed'))),
    // foreign
    other.map((number) => change(number, withProblem('standalone'))),
    who.map((number) => change(number, withStatus({ clusterId: OTHER_CLUSTER_ID }))),
    fc.constant(change(3, withReport({ serverId: serverIdOf(8) }))),
    // out of step
    follower.map((number) => change(1, withServerLine(number, { matchIndex: COMMIT_INDEX - 51 }))),
    follower.map((number) => change(number, withStatus({ term: 2 }))),
    who.map((number) => change(number, withStorage('ovsdb error: inconsistent data'))),
    // not preserved
    fc.constant(({ members, facts }: Situation) => ({
      members,
      facts: { ...facts, preservedIsSafe: false },
    })),
  );
}

/** Changes that forbid nothing by themselves. */
function noise(size: number): fc.Arbitrary<(situation: Situation) => Situation> {
  const who = fc.integer({ min: 1, max: size });
  return fc.oneof(
    who.map((number) => change(number, withRot)),
    who.map((number) => change(1, withServerLine(number, { matchIndex: COMMIT_INDEX - 20 }))),
    fc.nat(1_000_000_000).map((more) => ({ members, facts }: Situation) => ({
      members,
      facts: { ...facts, freeBytes: 10_000_000 + more, availableMemoryBytes: 10_000_000 + more },
    })),
    who.map((number) =>
      change(number, withStanding(markOf(9, positionOf(140), OTHER_CLUSTER_ID), 'contradicted')),
    ),
  );
}

test('with a member down, ahead, diverged, foreign, out of step or unmarked, or without a copy, something refuses', () => {
  const situation = fc.constantFrom(3, 5).chain((size) =>
    fc.record({
      size: fc.constant(size),
      faults: fc.array(fault(size), { minLength: 1, maxLength: 4 }),
      noises: fc.array(noise(size), { maxLength: 4 }),
    }),
  );
  fc.assert(
    fc.property(situation, ({ size, faults, noises }) => {
      const sound: Situation = { members: rottenCluster(3, size), facts: {} };
      const { members, facts } = [...noises, ...faults].reduce((given, apply) => apply(given), sound);
      assert.ok(refuses(factsOf(members, facts)));
    }),
    { numRuns: 5_000 },
  );
});

test('the first fault alone is enough: no other one hides it', () => {
  fc.assert(
    fc.property(fault(3), (apply) => {
      const { members, facts } = apply({ members: rottenCluster(), facts: {} });
      assert.ok(refuses(factsOf(members, facts)));
    }),
    { numRuns: 1_000 },
  );
});

test('noise alone is no reason to refuse, so that the test above means something', () => {
  fc.assert(
    fc.property(fc.array(noise(3), { maxLength: 4 }), (noises) => {
      const sound: Situation = { members: rottenCluster(), facts: {} };
      const { members, facts } = noises.reduce((given, apply) => apply(given), sound);
      const failed = compactGuards(factsOf(members, facts), LIMITS).filter(({ ok }) => !ok);
      // A contradiction is kept as a reason to freeze even when it is of another cluster.
      assert.ok(failed.every(({ id }) => id === 'precedence'));
    }),
  );
});

test('whatever is seen: all guards pass only for a confirmed rotten member among members that are all up and in step', () => {
  const limits = LIMITS;
  fc.assert(
    fc.property(anyObservation, fc.integer({ min: 1, max: 5 }), (observation, number) => {
      const node = nodeName(Math.min(number, observation.nodes.length));
      const diagnosis = diagnose(observation, limits);
      const facts: CompactFacts = { ...factsOf(), node, observation, diagnosis };
      const document = plan(facts, limits);
      if (document.remedy !== 'compact' || document.guards.some(({ ok }) => !ok)) return;
      assert.ok(diagnosis.leader !== null);
      assert.equal(diagnosis.frozen, false);
      for (const { evidence, ageMs } of observation.nodes) {
        assert.ok(ageMs !== null && ageMs <= limits.staleAfterMs);
        assert.ok(evidence?.server.state === 'up');
        assert.equal(evidence.server.status.membership, 'member');
        assert.equal(evidence.server.status.term, diagnosis.leader.term);
        assert.equal(evidence.server.storage, 'ok');
      }
    }),
    { numRuns: 5_000 },
  );
});

test('a plan for a member that is not rotten never carries a compaction', () => {
  fc.assert(
    fc.property(anyObservation, (observation) => {
      const diagnosis = diagnose(observation, LIMITS);
      for (const { node, verdict } of diagnosis.members) {
        const { remedy } = plan({ ...factsOf(), node, observation, diagnosis }, LIMITS);
        assert.equal(remedy === 'compact', verdict === 'rotten');
      }
    }),
    { numRuns: 1_000 },
  );
});

test('two agents that see the same do not both pass as followers first and leader last', () => {
  const members = withMember(rottenCluster(1), 3, withRot);
  const observation = observe(members);
  const diagnosis = diagnose(observation, LIMITS);
  const passing = observation.nodes.filter(
    ({ node }) => !refuses({ ...factsOf(members), node, observation, diagnosis }),
  );
  assert.deepEqual(
    passing.map(({ node }) => node),
    ['n3'],
  );
});
