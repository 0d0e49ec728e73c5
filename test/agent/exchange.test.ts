import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Exchange, PEER_PATHS } from '../../src/agent/exchange.ts';
import type { MemberEvidence } from '../../src/diagnose/evidence.ts';
import type { TurnRequest } from '../../src/heal/turn.ts';
import { CLUSTER_ID, healthyCluster, serverIdOf } from '../support/evidence.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ScriptedPeers } from '../support/scripted-peers.ts';

const SIBLINGS = ['n2', 'n3'].map((node) => ({ node, url: `https://${node}:10671` }));
const MEMBERS = healthyCluster();
const REQUEST: TurnRequest = {
  healId: 'heal-1',
  node: 'n1',
  database: 'nb',
  clusterId: CLUSTER_ID,
  serverId: serverIdOf(1),
  turnMs: 120_000,
};

function memberOf(number: number): MemberEvidence {
  const member = MEMBERS[number - 1];
  assert.ok(member !== undefined);
  return member;
}

function stateOf(number: number, members: readonly MemberEvidence[] = [memberOf(number)]) {
  return { node: `n${String(number)}`, members };
}

function makeExchange() {
  const peers = new ScriptedPeers();
  const clock = new ManualClock();
  const troubles: string[] = [];
  const exchange = new Exchange({
    node: 'n1',
    siblings: SIBLINGS,
    client: peers,
    clock,
    onAnswer: () => undefined,
    onTrouble: (node) => troubles.push(node),
  });
  const seen = () =>
    exchange
      .observe('nb', memberOf(1), 0)
      .nodes.map(({ node, evidence, ageMs }) => [node, evidence?.node ?? null, ageMs]);
  return { peers, clock, troubles, exchange, seen };
}

test('every node is in the observation, in order, with evidence or without', async () => {
  const { peers, clock, exchange, troubles, seen } = makeExchange();
  assert.deepEqual(seen(), [
    ['n1', 'n1', 0],
    ['n2', null, null],
    ['n3', null, null],
  ]);
  peers.answers = { n2: stateOf(2), n3: new Error('no answer') };
  await exchange.pull();
  clock.advance(4_000);
  assert.deepEqual(seen(), [
    ['n1', 'n1', 0],
    ['n2', 'n2', 4_000],
    ['n3', null, null],
  ]);
  assert.deepEqual(troubles, ['n3']);
});

test('a sibling that falls silent leaves its last word, and that word ages whatever the wall clock does', async () => {
  const { peers, clock, exchange, seen } = makeExchange();
  peers.answers = { n2: stateOf(2), n3: stateOf(3) };
  await exchange.pull();
  peers.answers = { n2: new Error('no answer'), n3: stateOf(3) };
  clock.advance(10_000);
  clock.setWall(0);
  await exchange.pull();
  assert.deepEqual(seen().slice(1), [
    ['n2', 'n2', 10_000],
    ['n3', 'n3', 0],
  ]);
});

test('a member that was not looked at yet is no evidence', () => {
  const { exchange } = makeExchange();
  assert.deepEqual(exchange.observe('nb', memberOf(1), null).nodes[0], {
    node: 'n1',
    evidence: null,
    ageMs: null,
  });
});

test('a sibling speaks for itself only', async () => {
  const { peers, exchange, seen } = makeExchange();
  peers.answers = { n2: stateOf(2, [memberOf(3), memberOf(1), memberOf(2)].slice(0, 2)), n3: stateOf(2) };
  await exchange.pull();
  assert.deepEqual(seen().slice(1), [
    ['n2', null, null],
    ['n3', null, null],
  ]);
  assert.deepEqual(exchange.fromSiblings('nb'), []);
});

test('the two databases are kept apart', async () => {
  const { peers, exchange } = makeExchange();
  const southbound = { ...memberOf(2), database: 'sb' as const };
  peers.answers = { n2: stateOf(2, [southbound]), n3: stateOf(3) };
  await exchange.pull();
  assert.deepEqual(
    exchange.fromSiblings('sb').map(({ node }) => node),
    ['n2'],
  );
  assert.deepEqual(
    exchange.observe('sb', { ...memberOf(1), database: 'sb' }, 0).nodes.map(({ evidence }) => evidence?.node),
    ['n1', 'n2', undefined],
  );
});

test('a turn is granted only by all siblings, and each answer is also evidence', async () => {
  const { peers, exchange, seen } = makeExchange();
  const grant = { granted: true, because: 'keeping still' };
  peers.answers = { n2: { ...grant, state: stateOf(2) }, n3: { ...grant, state: stateOf(3) } };
  const answer = await exchange.requestTurn(REQUEST);
  assert.deepEqual(answer, { granted: true, because: '2 siblings keep still' });
  assert.deepEqual(
    peers.asked.toSorted(),
    SIBLINGS.map(({ node }) => `${node} ${PEER_PATHS.turn}`),
  );
  assert.deepEqual(
    seen().map(([, evidence]) => evidence),
    ['n1', 'n2', 'n3'],
  );
});

const REFUSALS: readonly (readonly [string, unknown, RegExp])[] = [
  [
    'an objection',
    { granted: false, because: 'n3 holds the turn', state: stateOf(2) },
    /^n2: n3 holds the turn$/,
  ],
  ['silence', new Error('no answer in 5000 ms'), /^n2: no answer in 5000 ms$/],
  ['nonsense', { granted: 'yes', because: '', state: stateOf(2) }, /^n2: /],
  ['a yes without evidence', { granted: true, because: '' }, /^n2: /],
  ['a yes in the name of another', { granted: true, because: '', state: stateOf(3) }, /^n2: /],
];

for (const [title, answer, because] of REFUSALS)
  test(`${title} of one sibling is a refusal`, async () => {
    const { peers, exchange } = makeExchange();
    peers.answers = { n2: answer, n3: { granted: true, because: '', state: stateOf(3) } };
    const { granted, because: words } = await exchange.requestTurn(REQUEST);
    assert.equal(granted, false);
    assert.match(words, because);
  });

test('a turn is given back to every sibling, also when one of them does not answer', async () => {
  const { peers, exchange, troubles } = makeExchange();
  peers.answers = { n2: new Error('no answer'), n3: {} };
  await exchange.releaseTurn('heal-1');
  assert.deepEqual(
    peers.asked.toSorted(),
    SIBLINGS.map(({ node }) => `${node} ${PEER_PATHS.release}`),
  );
  assert.deepEqual(troubles, ['n2']);
});
