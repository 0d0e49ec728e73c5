import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberEvidence } from '../../src/diagnose/evidence.ts';
import { compactGuards, passesAlone } from '../../src/heal/compact-guards.ts';
import type { CompactFacts } from '../../src/heal/compact-facts.ts';
import { GUARD_IDS, type GuardId } from '../../src/heal/guard.ts';
import { plan } from '../../src/heal/plan.ts';
import { LIMITS, factsOf, rottenCluster } from '../support/compact-facts.ts';
import {
  COMMIT_INDEX,
  OTHER_CLUSTER_ID,
  healthyCluster,
  markOf,
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

type Change = (evidence: MemberEvidence) => MemberEvidence;

function refusing(facts: CompactFacts): GuardId[] {
  const guards = compactGuards(facts, LIMITS);
  assert.deepEqual(
    guards.map(({ id }) => id),
    [...GUARD_IDS],
    'every guard is judged, in the documented order',
  );
  for (const { ok, toPass, value, threshold } of guards) {
    assert.equal(toPass === '', ok, 'a guard that does not pass says what would make it pass');
    assert.ok(value !== '' && threshold !== '');
  }
  return guards.filter(({ ok }) => !ok).map(({ id }) => id);
}

/** The guards that refuse when these members of the baseline are changed, in that order. */
function refusingWith(...changes: readonly (readonly [number, Change])[]): GuardId[] {
  return refusing(factsOf(changed(...changes)));
}

function changed(...changes: readonly (readonly [number, Change])[]): MemberEvidence[] {
  return changes.reduce((members, [number, change]) => withMember(members, number, change), rottenCluster());
}

function withRotOf(change: Partial<NonNullable<MemberEvidence['rot']>>): Change {
  return (evidence) => ({ ...evidence, rot: evidence.rot && { ...evidence.rot, ...change } });
}

const DOWN = withServer({ state: 'down', detail: 'nobody listens' });

test('when all is as it should be, every guard passes, for any number of members', () => {
  for (const size of [2, 3, 5]) {
    const node = `n${String(size)}`;
    assert.deepEqual(refusing(factsOf(rottenCluster(size, size), { node })), []);
  }
});

test('files that are rotten on several members are the reason to compact, not one against', () => {
  assert.deepEqual(refusingWith([2, withRot]), []);
});

/** One change of the plain facts, and the one guard that minds. */
const PLAIN: readonly (readonly [GuardId, Partial<CompactFacts>])[] = [
  ['mode', { mode: 'observe' }],
  ['armed', { armed: { armed: false, because: 'too early' } }],
  ['preserved', { preservedIsSafe: false }],
  ['disk-room', { freeBytes: 1_199_999 }],
  ['disk-room', { freeBytes: NaN }],
  ['memory-room', { availableMemoryBytes: 999_999 }],
  ['memory-room', { availableMemoryBytes: NaN }],
  ['cooldown', { sinceLastMs: 299_999 }],
  ['cooldown', { sinceLastMs: NaN }],
  ['budget', { compactionsToday: 24 }],
  ['turn', { turn: { state: 'not-asked' } }],
  ['turn', { turn: { state: 'refused', because: 'n1: busy' } }],
];

for (const [id, change] of PLAIN)
  test(`${JSON.stringify(change)} is refused by "${id}" alone`, () => {
    assert.deepEqual(refusing(factsOf(undefined, change)), [id]);
  });

test('at the threshold the room, the cooldown and the budget pass', () => {
  const change = {
    freeBytes: 1_200_000,
    availableMemoryBytes: 1_000_000,
    sinceLastMs: 300_000,
    compactionsToday: 23,
  };
  assert.deepEqual(refusing(factsOf(undefined, change)), []);
});

const LOST = markOf(2, positionOf(140, 3, 1));

/** One change of what one agent saw, and all the guards that mind. */
const SEEN: readonly (readonly [title: string, ids: readonly GuardId[], number: number, change: Change])[] = [
  ['one read only', ['two-sources'], 3, withRotOf({ reads: 1 })],
  ['two reads too close', ['two-sources'], 3, withRotOf({ spanMs: 59_999 })],
  ['damage of another file', ['two-sources'], 3, withRotOf({ inode: 'another' })],
  ['a clean check-cluster', ['two-sources'], 3, withRotOf({ checkCluster: 'clean' })],
  ['no word of check-cluster', ['two-sources', 'tool'], 3, withRotOf({ checkCluster: 'not-run' })],
  ['a tool that is too old', ['two-sources', 'tool'], 3, withRotOf({ checkCluster: 'tool-too-old' })],
  ['a tool that failed', ['two-sources', 'tool'], 3, withRotOf({ checkCluster: 'failed' })],
  ['no damage', ['two-sources', 'tool'], 3, (evidence) => ({ ...evidence, rot: null })],
  ['another server id in the file', ['identity'], 3, withReport({ serverId: serverIdOf(9) })],
  ['another database in the file', ['identity'], 3, withReport({ database: 'OVN_Southbound' })],
  ['another cluster in the file', ['identity'], 3, withReport({ clusterId: OTHER_CLUSTER_ID })],
  ['a file cut at its head', [], 3, withReport({ clusterId: null, serverId: null, database: null })],
  ['a member far behind', ['in-step'], 1, withServerLine(2, { matchIndex: COMMIT_INDEX - 51 })],
  ['a member nearly in step', [], 1, withServerLine(2, { matchIndex: COMMIT_INDEX - 50 })],
  ['a victim far behind', ['in-step'], 1, withServerLine(3, { matchIndex: 0 })],
  ['a member that applies nothing', ['in-step', 'precedence'], 2, withStorage('inconsistent data')],
  ['storage in other trouble', ['in-step'], 2, withStorage('something else')],
  ['an earlier term', ['in-step'], 2, withStatus({ term: 2 })],
  ['a mark that a snapshot hides', ['precedence', 'newest-data'], 1, withStanding(LOST, 'unknown')],
  ['a mark that the leader lacks', ['precedence', 'newest-data'], 1, withStanding(LOST, 'beyond')],
  [
    'a contradicted mark',
    ['precedence', 'newest-data'],
    1,
    withStanding(markOf(9, positionOf(150)), 'contradicted'),
  ],
  ['a mark of another cluster', [], 1, withStanding(markOf(9, positionOf(140), OTHER_CLUSTER_ID), 'unknown')],
  [
    'a mark of a member that is gone, known to a sibling only',
    ['newest-data'],
    2,
    withStanding(markOf(9, positionOf(140)), 'contained'),
  ],
  [
    'a fresh mark of a member that is up, not yet known to the leader',
    [],
    2,
    withStanding(markOf(2, positionOf(151)), 'contained'),
  ],
  [
    'an own mark that a member lost, not yet known to the leader',
    ['newest-data'],
    2,
    withStanding(markOf(2, positionOf(151)), 'beyond'),
  ],
  [
    'a member of which the leader has found no mark',
    ['newest-data'],
    1,
    (evidence) => ({
      ...evidence,
      standings: evidence.standings.filter(({ mark }) => mark.node !== 'n2'),
    }),
  ],
  ['a member that is down', ['every-member-up'], 2, DOWN],
  [
    'a member that is joining',
    ['every-member-up'],
    2,
    withStatus({ membership: 'joining', membershipText: 'joining cluster' }),
  ],
  [
    'a fourth entry in the list of the leader',
    ['every-member-up'],
    1,
    (evidence) => {
      if (evidence.server.state !== 'up') return evidence;
      const { servers } = evidence.server.status;
      return withStatus({ servers: [...servers, ...servers.slice(1, 2)] })(evidence);
    },
  ],
  ['one server id on two nodes', ['every-member-up'], 2, withStatus({ serverId: serverIdOf(3) })],
  ['a bad file of a server that is up, not confirmed', [], 2, withProblem('damaged-record')],
  ['a file that truncates what was committed', ['precedence'], 2, withProblem('truncates-committed')],
  ['a foreign file', ['precedence'], 2, withProblem('standalone')],
  ['a member that left', ['precedence'], 2, withProblem('left-cluster')],
  [
    'a member that lost writes',
    ['precedence'],
    2,
    (evidence) => ({
      ...withProblem('index-skipped')(evidence),
      findings: [{ signature: 'write-failed', class: 'latent', at: null }],
    }),
  ],
];

for (const [title, ids, number, change] of SEEN)
  test(`${title}: ${ids.length === 0 ? 'no guard minds' : `refused by ${ids.join(', ')}`}`, () => {
    const expected = GUARD_IDS.filter((id) => ids.includes(id));
    assert.deepEqual(refusingWith([number, change]), expected);
  });

test('without a leader nothing that needs one passes', () => {
  const needing = ['leader-confirmed', 'every-member-up', 'in-step', 'newest-data', 'follower-first'];
  assert.deepEqual(refusingWith([1, withStatus({ role: 'follower', leader: 'unknown' })]), needing);
});

test('evidence that is too old is no evidence', () => {
  const facts = factsOf();
  const aged = { ...facts, observation: observe(rottenCluster(), [1_000, 30_001, 1_000]) };
  assert.deepEqual(refusing(aged), ['every-member-up']);
});

/** n1 leads and is rotten itself. */
function rottenLeader(members: readonly MemberEvidence[] = rottenCluster(1)): CompactFacts {
  return factsOf(members, { node: 'n1' });
}

test('a leader is compacted when every follower is verified and in step, not before', () => {
  assert.deepEqual(refusing(rottenLeader()), []);
  assert.deepEqual(refusing(rottenLeader(withMember(rottenCluster(1), 2, withRot))), ['follower-first']);
  const unread = withMember(rottenCluster(1), 2, (evidence) => ({ ...evidence, file: null }));
  assert.deepEqual(refusing(rottenLeader(unread)), ['follower-first']);
});

test('the damaged file of a leader hides new marks; a follower in step that shows them vouches for its memory', () => {
  const fresh = markOf(2, positionOf(149));
  const hidden = withMember(rottenCluster(1), 1, withStanding(fresh, 'unknown'));
  const shown = withMember(hidden, 2, withStanding(fresh, 'contained'));
  assert.deepEqual(refusing(rottenLeader(shown)), []);
  assert.deepEqual(refusing(rottenLeader(hidden)), ['precedence', 'newest-data'], 'nobody shows it');
  const doubtful = withMember(hidden, 2, withStanding(fresh, 'unknown'));
  assert.deepEqual(refusing(rottenLeader(doubtful)), ['precedence', 'newest-data']);
  const behind = withMember(shown, 1, withServerLine(2, { matchIndex: 148 }));
  assert.deepEqual(refusing(rottenLeader(behind)), ['newest-data'], 'not known to have reached the leader');
});

test('no follower vouches for what lies below the snapshot of the leader', () => {
  const old = markOf(2, positionOf(100));
  const members = withMember(
    withMember(rottenCluster(1), 1, withStanding(old, 'unknown')),
    2,
    withStanding(old, 'contained'),
  );
  assert.deepEqual(refusing(rottenLeader(members)), ['newest-data']);
});

test('a plan to compact carries every guard, also those that refuse', () => {
  for (const [id, change] of PLAIN) {
    const document = plan(factsOf(undefined, change), LIMITS);
    assert.equal(document.remedy, 'compact');
    assert.deepEqual(
      document.guards.filter(({ ok }) => !ok).map((guard) => guard.id),
      [id],
    );
  }
});

test('siblings are asked only when every other guard passes', () => {
  assert.equal(
    passesAlone(compactGuards(factsOf(undefined, { turn: { state: 'not-asked' } }), LIMITS)),
    true,
  );
  for (const [id, change] of PLAIN) {
    if (id === 'turn') continue;
    assert.equal(passesAlone(compactGuards(factsOf(undefined, change), LIMITS)), false, id);
  }
});

test('the age that is shown is that of the oldest observation', () => {
  const observation = observe(healthyCluster(), [3_000, 9_000, 0]);
  const guards = compactGuards({ ...factsOf(), observation }, LIMITS);
  assert.equal(guards.find(({ id }) => id === 'in-step')?.ageMs, 9_000);
});
