import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import { memberEvidenceSchema } from '../../src/diagnose/evidence-schema.ts';
import type { Observation } from '../../src/diagnose/evidence.ts';
import { CLUSTER_VERDICTS, VERDICTS } from '../../src/diagnose/verdict.ts';
import { anyObservation } from '../support/arbitrary-evidence.ts';

const LIMITS = { staleAfterMs: 30_000 };
const RUNS = { numRuns: 1_500 };

function frozenCopy(observation: Observation): Observation {
  return deepFreeze(structuredClone(observation));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}

test('every observation has one verdict for each node and one for the cluster, with a reason', () => {
  fc.assert(
    fc.property(anyObservation, (observation) => {
      const { cluster, because, members } = diagnose(observation, LIMITS);
      assert.deepEqual(
        members.map(({ node }) => node),
        observation.nodes.map(({ node }) => node),
      );
      assert.ok(CLUSTER_VERDICTS.includes(cluster));
      assert.notEqual(because, '');
      for (const member of members) {
        assert.ok(VERDICTS.includes(member.verdict));
        assert.notEqual(member.because, '');
      }
    }),
    RUNS,
  );
});

test('the same observation gives the same diagnosis and is not changed by it', () => {
  fc.assert(
    fc.property(anyObservation, (observation) => {
      const copy = frozenCopy(observation);
      assert.deepEqual(diagnose(copy, LIMITS), diagnose(observation, LIMITS));
      assert.deepEqual(copy, observation);
    }),
    RUNS,
  );
});

/** The page on verdicts calls these reserved. */
const RESERVED: ReadonlySet<string> = new Set(['blocked', 'stuck-joining', 'departed', 'ghost', 'torn']);

test('every verdict that is not reserved is given for something, and no reserved one is', () => {
  const given = new Set<string>();
  fc.assert(
    fc.property(anyObservation, (observation) => {
      const { members, cluster } = diagnose(observation, LIMITS);
      for (const { verdict } of members) given.add(verdict);
      given.add(`cluster ${cluster}`);
    }),
    { numRuns: 6_000 },
  );
  const possible = [
    ...VERDICTS.filter((verdict) => !RESERVED.has(verdict)),
    ...CLUSTER_VERDICTS.map((verdict) => `cluster ${verdict}`),
  ];
  assert.deepEqual([...given].toSorted(), possible.toSorted());
});

test('the order of the nodes decides nothing', () => {
  fc.assert(
    fc.property(anyObservation, (observation) => {
      const straight = diagnose(observation, LIMITS);
      const turned = diagnose({ ...observation, nodes: observation.nodes.toReversed() }, LIMITS);
      assert.equal(turned.cluster, straight.cluster);
      assert.equal(turned.frozen, straight.frozen);
      assert.deepEqual(turned.leader, straight.leader);
      assert.deepEqual(turned.members.toReversed(), straight.members);
    }),
    RUNS,
  );
});

test('what is green is proved: ok means a leader, and every member up, listed and with a verified file', () => {
  let count = 0;
  fc.assert(
    fc.property(anyObservation, (observation) => {
      const { cluster, leader, members } = diagnose(observation, LIMITS);
      if (cluster !== 'ok') return;
      count += 1;
      assert.ok(leader !== null);
      assert.ok(members.every(({ verdict }) => verdict === 'healthy'));
      for (const { evidence, ageMs } of observation.nodes) {
        assert.ok(evidence?.server.state === 'up');
        assert.ok((ageMs ?? Infinity) <= LIMITS.staleAfterMs);
        assert.equal(evidence.file?.report.problems.length, 0);
        assert.equal(evidence.server.status.clusterId, leader.clusterId);
      }
    }),
    RUNS,
  );
  assert.ok(count > 10, `${String(count)} green observations`);
});

test('a confirmed leader has a majority of its own list in its own term', () => {
  fc.assert(
    fc.property(anyObservation, (observation) => {
      const { leader } = diagnose(observation, LIMITS);
      if (leader === null) return;
      const up = observation.nodes.flatMap(({ evidence, ageMs }) =>
        evidence?.server.state === 'up' && (ageMs ?? Infinity) <= LIMITS.staleAfterMs
          ? [evidence.server.status]
          : [],
      );
      const server = observation.nodes.find(({ node }) => node === leader.node)?.evidence?.server;
      const own = server?.state === 'up' ? server.status : null;
      assert.ok(own?.role === 'leader' && own.term === leader.term && own.serverId === leader.serverId);
      const inTerm = new Set(up.filter(({ term }) => term === leader.term).map(({ serverId }) => serverId));
      assert.ok(inTerm.size * 2 > own.servers.length);
    }),
    RUNS,
  );
});

test('whatever one agent can say to another passes the check on arrival', () => {
  fc.assert(
    fc.property(anyObservation, ({ nodes }) => {
      for (const { evidence } of nodes) {
        if (evidence === null) continue;
        const arrived = memberEvidenceSchema.parse(JSON.parse(JSON.stringify(evidence)));
        assert.deepEqual(arrived, evidence);
      }
    }),
    { numRuns: 300 },
  );
});
