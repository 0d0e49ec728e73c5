import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import type { MemberEvidence } from '../../src/diagnose/evidence.ts';
import type { ClusterVerdict, Diagnosis, Verdict } from '../../src/diagnose/verdict.ts';
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

const LIMITS = { staleAfterMs: 30_000 };
const DOWN = withServer({ state: 'down', detail: 'nobody listens' });
const SILENT = withServer({ state: 'silent', detail: 'no answer' });
const OWN_MARK_OF_3 = markOf(3, positionOf(COMMIT_INDEX));

function both(...changes: readonly Change[]): Change {
  return (evidence) => changes.reduce((changed, change) => change(changed), evidence);
}

/** The verdict about n3 when n3, and perhaps the leader n1, are changed. */
function verdictOf3(change: Change, leaderChange: Change = (evidence) => evidence): Verdict | undefined {
  const members = withMember(withMember(healthyCluster(), 3, change), 1, leaderChange);
  return diagnose(observe(members), LIMITS).members[2]?.verdict;
}

const finding = (of: string): Change => {
  return (evidence) => ({ ...evidence, findings: [{ signature: 'some-line', class: of, at: null }] });
};

test('members in step with verified files are healthy, whatever their number', () => {
  for (const size of [1, 2, 3, 5, 7]) {
    const { cluster, leader, members, frozen } = diagnose(observe(healthyCluster(size)), LIMITS);
    assert.equal(cluster, 'ok');
    assert.deepEqual(leader, {
      node: 'n1',
      serverId: serverIdOf(1),
      clusterId: markOf(1, positionOf(1)).clusterId,
      term: 3,
    });
    assert.deepEqual(
      members.map(({ verdict }) => verdict),
      Array.from({ length: size }, () => 'healthy'),
    );
    assert.equal(frozen, false);
  }
});

const PROBLEM_WITH_SAME_ENTRY: Change = withReport({
  ok: false,
  problems: [
    {
      kind: 'truncates-committed',
      record: 7,
      offset: 4_242,
      detail: 'the same entry again',
      sameEntry: true,
    },
  ],
});

const SINGLE: readonly (readonly [title: string, change: Change, verdict: Verdict])[] = [
  ['a file that truncates what was committed', withProblem('truncates-committed'), 'diverged'],
  ['the same entry written again, not confirmed', PROBLEM_WITH_SAME_ENTRY, 'unknown'],
  ['an assertion in the log of a server that is gone', both(finding('diverged'), DOWN), 'diverged'],
  ['an old assertion in the log of a server that is up', finding('diverged'), 'healthy'],
  ['a standalone file', withProblem('standalone'), 'foreign'],
  ['a file of another database', withProblem('wrong-name'), 'foreign'],
  ['a file of another cluster', withProblem('wrong-cluster'), 'foreign'],
  ['a file of another member', withProblem('wrong-server'), 'foreign'],
  ['a file for another address', withProblem('wrong-address'), 'foreign'],
  [
    'a file of another cluster, its server down',
    both(DOWN, withReport({ clusterId: OTHER_CLUSTER_ID })),
    'foreign',
  ],
  ['a note that it left', withProblem('left-cluster'), 'removed'],
  ['a list of servers without itself', withProblem('not-a-member'), 'removed'],
  [
    'a server without the database',
    withServer({ state: 'no-database', detail: 'unknown cluster', incarnation: '1' }),
    'removed',
  ],
  ['a server that is leaving', withStatus({ membership: 'leaving', membershipText: 'leaving' }), 'removed'],
  ['a server that left', withStatus({ membership: 'left', membershipText: 'left cluster' }), 'removed'],
  ['inconsistent data', withStorage('ovsdb error: inconsistent data'), 'inconsistent'],
  ['a bad file and no server', both(DOWN, withProblem('invalid-record')), 'broken'],
  ['a torn tail and no server', both(DOWN, withProblem('torn-tail')), 'unreachable'],
  ['a bad file and a silent server', both(SILENT, withProblem('invalid-record')), 'unreachable'],
  ['an I/O error', withStatus({ membership: 'failed', membershipText: 'failed' }), 'failed'],
  ['lost writes', both(withProblem('index-skipped'), finding('latent')), 'gapped'],
  ['lost writes in the log, a sound file', finding('latent'), 'healthy'],
  ['confirmed damage', withRot, 'rotten'],
  ['damage seen once', withProblem('damaged-record'), 'unknown'],
  [
    'damage confirmed on another inode',
    both(withRot, (evidence) => ({
      ...evidence,
      rot: evidence.rot && { ...evidence.rot, inode: 'another' },
    })),
    'unknown',
  ],
  [
    'damage that check-cluster does not see',
    both(withRot, (evidence) => ({
      ...evidence,
      rot: evidence.rot && { ...evidence.rot, checkCluster: 'clean' },
    })),
    'unknown',
  ],
  ['a joiner', withStatus({ membership: 'joining', membershipText: 'joining cluster' }), 'joining'],
  ['an own mark that its file lacks so far', withStanding(OWN_MARK_OF_3, 'beyond'), 'catching-up'],
  ['a server that is down', DOWN, 'unreachable'],
  ['a silent server', SILENT, 'unreachable'],
  [
    'a server cut off',
    withStatus({ membership: 'disconnected', membershipText: 'disconnected' }),
    'unreachable',
  ],
  ['a file that nobody has read yet', (evidence) => ({ ...evidence, file: null }), 'unknown'],
];

for (const [title, change, verdict] of SINGLE)
  test(`${title}: ${verdict}`, () => {
    assert.equal(verdictOf3(change), verdict);
  });

const AGAINST_LEADER: readonly (readonly [string, Change, Change, Verdict])[] = [
  ['an entry that the leader has not got', (own) => own, withStanding(OWN_MARK_OF_3, 'beyond'), 'ahead'],
  [
    'another entry than the leader has',
    (own) => own,
    withStanding(OWN_MARK_OF_3, 'contradicted'),
    'diverged',
  ],
  [
    'an own mark that nobody can show any more and that the leader lacks',
    withStanding(OWN_MARK_OF_3, 'unknown'),
    withStanding(OWN_MARK_OF_3, 'contradicted'),
    'diverged',
  ],
  [
    'a file cut below a mark that the leader lacks as well',
    withStanding(OWN_MARK_OF_3, 'beyond'),
    withStanding(OWN_MARK_OF_3, 'beyond'),
    'catching-up',
  ],
  [
    'a mark of a third member that it holds and the leader lacks',
    withStanding(markOf(9, positionOf(140)), 'contained'),
    withStanding(markOf(9, positionOf(140)), 'beyond'),
    'ahead',
  ],
  [
    'a mark of a third member that nobody can show',
    withStanding(markOf(9, positionOf(140)), 'unknown'),
    withStanding(markOf(9, positionOf(140)), 'beyond'),
    'healthy',
  ],
  [
    'a mark of another cluster that the leader lacks',
    withStanding(markOf(3, positionOf(140), OTHER_CLUSTER_ID), 'contained'),
    withStanding(markOf(3, positionOf(140), OTHER_CLUSTER_ID), 'beyond'),
    'healthy',
  ],
  ['51 entries behind', (own) => own, withServerLine(3, { matchIndex: COMMIT_INDEX - 51 }), 'catching-up'],
  ['50 entries behind', (own) => own, withServerLine(3, { matchIndex: COMMIT_INDEX - 50 }), 'healthy'],
  [
    "behind the leader's snapshot, in a short log",
    (own) => own,
    both(withStatus({ log: { start: 40, end: 45 } }), withServerLine(3, { matchIndex: 0 })),
    'catching-up',
  ],
  [
    'not in the list of the leader',
    (own) => own,
    withServerLine(3, { sidPrefix: 'ffff', nickname: 'ffff' }),
    'unknown',
  ],
];

for (const [title, change, leaderChange, verdict] of AGAINST_LEADER)
  test(`compared with the leader: ${title}: ${verdict}`, () => {
    assert.equal(verdictOf3(change, leaderChange), verdict);
  });

test('the verdict that matters most wins', () => {
  const all: readonly (readonly [Verdict, Change])[] = [
    ['diverged', withStanding(OWN_MARK_OF_3, 'contained')],
    ['foreign', withReport({ problems: problems('standalone', 'left-cluster', 'damaged-record') })],
    ['removed', withReport({ problems: problems('left-cluster', 'damaged-record') })],
    ['inconsistent', withStorage('ovsdb error: inconsistent data')],
    ['failed', withStatus({ membership: 'failed' })],
    ['gapped', finding('latent')],
    ['rotten', withRot],
  ];
  for (const [from, [verdict]] of all.entries()) {
    const change = both(
      ...all
        .slice(from)
        .map(([, each]) => each)
        .reverse(),
    );
    const leaderChange = from === 0 ? withStanding(OWN_MARK_OF_3, 'contradicted') : both();
    assert.equal(verdictOf3(change, leaderChange), verdict);
  }
});

function problems(...kinds: readonly Parameters<typeof withProblem>[0][]) {
  return kinds.map((kind) => ({ kind, record: 1, offset: 10, detail: kind }));
}

test('without a leader nobody is healthy and nobody is ahead', () => {
  const members = withMember(healthyCluster(), 1, both(DOWN, withStanding(OWN_MARK_OF_3, 'contradicted')));
  const { members: verdicts, leader } = diagnose(observe(members), LIMITS);
  assert.equal(leader, null);
  assert.deepEqual(
    verdicts.map(({ verdict }) => verdict),
    ['unreachable', 'unknown', 'unknown'],
  );
});

/** n1 goes on calling itself leader in `term`; the members of `followers` follow n2, who leads in term 4. */
function staleLeader(size: number, followers: readonly number[]): MemberEvidence[] {
  let members = withMember(healthyCluster(size), 2, withStatus({ role: 'leader', leader: 'self', term: 4 }));
  members = withMember(members, 2, (evidence) => {
    const [old] = healthyCluster(size);
    if (old?.server.state !== 'up') return evidence;
    const servers = old.server.status.servers.map((line, at) => ({ ...line, self: at === 1 }));
    return withStatus({ servers })(evidence);
  });
  for (const number of followers)
    members = withMember(members, number, withStatus({ term: 4, leader: serverIdOf(2).slice(0, 4) }));
  return members;
}

test('a leader of an earlier term, cut off from the others, is not the leader', () => {
  const three = diagnose(observe(staleLeader(3, [3])), LIMITS);
  assert.equal(three.leader?.node, 'n2');
  assert.equal(three.leader.term, 4);
  const five = diagnose(observe(staleLeader(5, [3, 4])), LIMITS);
  assert.equal(five.leader?.node, 'n2');
});

test('a leader without a majority behind it is none, and neither is the one before it', () => {
  for (const members of [staleLeader(3, []), staleLeader(5, [3])]) {
    const { leader, cluster } = diagnose(observe(members), LIMITS);
    assert.equal(leader, null);
    assert.equal(cluster, 'no-leader');
  }
});

test('one server id that answers on two nodes counts once', () => {
  const members = withMember(
    withMember(healthyCluster(5), 3, withStatus({ serverId: serverIdOf(2) })),
    4,
    DOWN,
  );
  assert.equal(diagnose(observe(withMember(members, 5, DOWN)), LIMITS).leader, null);
});

test('a lone leader is confirmed only when it is the whole cluster', () => {
  const [first] = healthyCluster(3);
  assert.ok(first !== undefined);
  assert.equal(diagnose(observe([first, null, null]), LIMITS).leader, null);
  assert.equal(diagnose(observe(healthyCluster(1)), LIMITS).leader?.node, 'n1');
});

const CLUSTERS: readonly (readonly [string, readonly (MemberEvidence | null)[], ClusterVerdict, boolean])[] =
  [
    ['every member is healthy', healthyCluster(), 'ok', false],
    ['no agent has answered', [null, null, null], 'unknown', false],
    ['one of three is down', withMember(healthyCluster(), 3, DOWN), 'at-risk', false],
    ['one of five is down', withMember(healthyCluster(5), 3, DOWN), 'degraded', false],
    ['two of five are down', withMember(withMember(healthyCluster(5), 3, DOWN), 4, DOWN), 'at-risk', false],
    ['one file is rotten', withMember(healthyCluster(), 3, withRot), 'degraded', false],
    [
      'two files are rotten',
      withMember(withMember(healthyCluster(), 3, withRot), 1, withRot),
      'at-risk',
      false,
    ],
    [
      'two files of five are rotten',
      withMember(withMember(healthyCluster(5), 3, withRot), 4, withRot),
      'at-risk',
      false,
    ],
    ['the leader is down', withMember(healthyCluster(), 1, DOWN), 'no-leader', false],
    [
      'two of three are down',
      withMember(withMember(healthyCluster(), 1, DOWN), 2, DOWN),
      'quorum-lost',
      false,
    ],
    ['an agent alone', [null, null, healthyCluster()[2] ?? null], 'unknown', false],
    [
      'the leader lacks a mark of a member that is gone',
      withMember(withMember(healthyCluster(), 1, withStanding(OWN_MARK_OF_3, 'contradicted')), 3, DOWN),
      'regressed',
      true,
    ],
    [
      'all is green, and yet the leader lost what it once had itself',
      withMember(healthyCluster(), 1, withStanding(markOf(1, positionOf(149, 3, 7)), 'beyond')),
      'regressed',
      true,
    ],
    [
      'a follower contradicts a mark',
      withMember(healthyCluster(), 2, withStanding(markOf(9, positionOf(140)), 'contradicted')),
      'ok',
      true,
    ],
    [
      'two cluster ids answer',
      withMember(healthyCluster(), 3, withStatus({ clusterId: OTHER_CLUSTER_ID })),
      'split',
      true,
    ],
    [
      'two members lead in one term',
      withMember(healthyCluster(), 2, withStatus({ role: 'leader', leader: 'self' })),
      'split',
      true,
    ],
    [
      'a member is ahead',
      withMember(healthyCluster(), 1, withStanding(markOf(3, positionOf(151)), 'beyond')),
      'regressed',
      true,
    ],
    [
      'a file truncates what was committed',
      withMember(healthyCluster(), 3, withProblem('truncates-committed')),
      'degraded',
      true,
    ],
  ];

for (const [title, members, cluster, frozen] of CLUSTERS)
  test(`${title}: the cluster is ${cluster}${frozen ? ', frozen' : ''}`, () => {
    const diagnosis: Diagnosis = diagnose(observe(members), LIMITS);
    assert.deepEqual({ cluster: diagnosis.cluster, frozen: diagnosis.frozen }, { cluster, frozen });
    assert.notEqual(diagnosis.because, '');
  });

test('evidence that is too old counts as none', () => {
  const fresh = diagnose(observe(healthyCluster(), [0, 0, 30_000]), LIMITS);
  assert.equal(fresh.cluster, 'ok');
  const stale = diagnose(observe(healthyCluster(), [0, 0, 30_001]), LIMITS);
  assert.equal(stale.members[2]?.verdict, 'unreachable');
  assert.equal(stale.cluster, 'at-risk');
  const leaderless = diagnose(observe(healthyCluster(), [99_000, 0, 0]), LIMITS);
  assert.equal(leaderless.leader, null);
  assert.equal(leaderless.cluster, 'no-leader');
  assert.equal(diagnose(observe(healthyCluster(), 99_000), LIMITS).cluster, 'unknown');
});
