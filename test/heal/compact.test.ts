import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberEvidence } from '../../src/diagnose/evidence.ts';
import { HEAL_STEPS, type HealStep } from '../../src/heal/journal.ts';
import { WardenError } from '../../src/lib/errors.ts';
import { LIMITS, factsOf } from '../support/compact-facts.ts';
import { COMMIT_INDEX, serverIdOf, withProblem, withReport } from '../support/evidence.ts';
import { plan } from '../../src/heal/plan.ts';
import {
  COMPACT_TIMEOUT_MS,
  type ScriptedPort,
  dyingAfter,
  makeHealWorld,
  withCommit,
  withOwnMark,
} from './scripted-compact.ts';

const ALL_STEPS = HEAL_STEPS.map((step) => [step, step === 'closed' ? 'healed' : 'running']);

function countOf(port: ScriptedPort, call: string): number {
  return port.calls.filter((name) => name === call).length;
}

test('a compaction is written down step by step, each before its effect, and verified before it is called healed', async (t) => {
  const world = await makeHealWorld(t);
  const end = await world.run();
  assert.deepEqual([end.outcome, end.detail], ['healed', '9 records verified']);
  assert.deepEqual(await world.steps(), ALL_STEPS);
  assert.deepEqual(world.port.calls, [
    'turn',
    'replan',
    'observe new-bytes',
    'compact',
    'observe full',
    'release',
  ]);
});

const REFUSED: readonly (readonly [title: string, change: (port: ScriptedPort) => void, detail: RegExp])[] = [
  [
    'a sibling objects',
    (port) => {
      port.turn = { granted: false, because: 'n1: healing its own nb' };
    },
    /^n1: healing its own nb$/,
  ],
  [
    'a guard fails on the evidence that came with the turn',
    (port) => {
      port.wanted = plan(factsOf(undefined, { preservedIsSafe: false }), LIMITS);
    },
    /^preserved: /,
  ],
  [
    'the damage is gone by then',
    (port) => {
      port.wanted = { ...port.wanted, remedy: 'none', because: 'healthy', guards: [] };
    },
    /^no longer wanted: healthy$/,
  ],
  [
    'a person is needed by then',
    (port) => {
      port.wanted = { ...port.wanted, remedy: 'preserve', because: 'ahead', guards: [] };
    },
    /^no longer wanted: ahead$/,
  ],
  [
    'the turn would end before the compaction',
    (port) => {
      port.leftMs = COMPACT_TIMEOUT_MS - 1;
    },
    /^the turn would end before the compaction$/,
  ],
  [
    'the server is silent at the last moment',
    (port) => {
      port.isSilent = true;
    },
    /^its server is silent/,
  ],
  [
    'the file was replaced at the last moment',
    (port) => {
      port.hasCompacted = true;
    },
    /^the damage is gone: /,
  ],
];

for (const [title, change, detail] of REFUSED)
  test(`the server is not asked when ${title}`, async (t) => {
    const world = await makeHealWorld(t);
    change(world.port);
    const end = await world.run();
    assert.equal(end.outcome, 'refused');
    assert.match(end.detail, detail);
    assert.equal(countOf(world.port, 'compact'), 0);
    assert.equal(countOf(world.port, 'release'), 1);
    const last = (await world.steps()).at(-1);
    assert.deepEqual(last, ['closed', 'refused']);
    assert.deepEqual(await world.restart(), []);
  });

test('every guard that refuses is named', async (t) => {
  const world = await makeHealWorld(t);
  world.port.wanted = plan(
    factsOf(undefined, { mode: 'observe', compactionsToday: 24, turn: { state: 'held', leftMs: 1 } }),
    LIMITS,
  );
  assert.match((await world.run()).detail, /^mode: observe; budget: 24 in 24 h$/);
});

test('the word of a server that refuses is kept', async (t) => {
  const world = await makeHealWorld(t);
  world.port.compacts = false;
  world.port.reply = { outcome: 'refused', reason: 'no-space', text: 'No space left on device' };
  const end = await world.run();
  assert.deepEqual([end.outcome, end.detail], ['refused', 'the server: No space left on device']);
  const journal = await world.journal();
  assert.deepEqual(journal.entries.at(-1)?.facts, { reason: 'no-space' });
});

type Change = (evidence: MemberEvidence) => MemberEvidence;

const NEW_FILES: readonly (readonly [title: string, change: Change, outcome: string, detail: RegExp])[] = [
  ['is bad', withProblem('damaged-record'), 'failed', /^the new file has a damaged-record: /],
  [
    'cannot be read',
    (evidence) => ({ ...evidence, file: null }),
    'failed',
    /^the new file could not be read$/,
  ],
  [
    'belongs to another member',
    withReport({ serverId: serverIdOf(8) }),
    'failed',
    /^the new file has another identity$/,
  ],
  ['names no cluster', withReport({ clusterId: null }), 'failed', /^the new file has another identity$/],
  ['ends earlier', withCommit(COMMIT_INDEX - 1), 'failed', /^commit index fell from 150 to 149$/],
  ['has another entry in the place of the own mark', withOwnMark('contradicted'), 'failed', /own mark/],
  ['ends before the own mark', withOwnMark('beyond'), 'failed', /own mark is beyond/],
  // A commit between the last look and the compaction puts the own mark below the snapshot.
  ['covers the own mark', withOwnMark('unknown'), 'healed', /verified$/],
  ['ends later', withCommit(COMMIT_INDEX + 40), 'healed', /verified$/],
];

for (const [title, change, outcome, detail] of NEW_FILES)
  test(`a new file that ${title}: ${outcome}`, async (t) => {
    const world = await makeHealWorld(t);
    world.port.newFile = change;
    const end = await world.run();
    assert.equal(end.outcome, outcome);
    assert.match(end.detail, detail);
    assert.equal(countOf(world.port, 'compact'), 1);
    assert.deepEqual((await world.steps()).at(-1), ['closed', outcome]);
  });

test('a server that said yes and kept its file has not compacted', async (t) => {
  const world = await makeHealWorld(t);
  world.port.compacts = false;
  const end = await world.run();
  assert.equal(end.outcome, 'abandoned');
  assert.match(end.detail, /the file is the same as before/);
});

test('an error before the server is asked ends the heal', async (t) => {
  const world = await makeHealWorld(t);
  world.port.observeFails = true;
  const end = await world.run();
  assert.deepEqual([end.outcome, end.detail], ['failed', 'the disk is gone']);
  assert.deepEqual((await world.steps()).at(-1), ['closed', 'failed']);
  assert.equal(countOf(world.port, 'compact'), 0);
});

const TIMEOUT = new WardenError('server-unreachable', 'no answer in 30000 ms');

test('when no answer comes the heal stays open and the turn is not given back: the server may be at it', async (t) => {
  const world = await makeHealWorld(t);
  world.port.reply = TIMEOUT;
  world.port.isSilent = false;
  const end = await world.run();
  assert.equal(end.outcome, 'running');
  assert.match(end.detail, /no answer in 30000 ms/);
  assert.equal(countOf(world.port, 'release'), 0);
  assert.deepEqual((await world.steps()).at(-1), ['compacting', 'running']);
});

test('a server that is still silent is not judged, however often the agent comes back', async (t) => {
  for (const compacts of [true, false]) {
    const world = await makeHealWorld(t);
    world.port.reply = TIMEOUT;
    world.port.compacts = compacts;
    await world.run();
    world.port.isSilent = true;
    for (let life = 0; life < 3; life += 1) {
      world.clock.advance(3_600_000);
      assert.deepEqual(
        (await world.restart()).map(({ outcome }) => outcome),
        ['running'],
      );
    }
    world.port.isSilent = false;
    assert.deepEqual(
      (await world.restart()).map(({ outcome }) => outcome),
      [compacts ? 'healed' : 'abandoned'],
    );
    assert.deepEqual(await world.restart(), []);
    assert.equal(countOf(world.port, 'compact'), 1);
  }
});

test('a server that answers while it may still be compacting is given its time', async (t) => {
  const world = await makeHealWorld(t);
  world.port.reply = TIMEOUT;
  world.port.compacts = false;
  await world.run();
  world.clock.advance(COMPACT_TIMEOUT_MS - 1);
  assert.equal((await world.restart())[0]?.outcome, 'running');
  // It was writing the snapshot in a thread of its own.
  world.port.hasCompacted = true;
  assert.equal((await world.restart())[0]?.outcome, 'healed');
});

test('a file that cannot be read after the compaction leaves the heal open', async (t) => {
  const world = await makeHealWorld(t);
  world.port.reply = TIMEOUT;
  await world.run();
  world.clock.advance(COMPACT_TIMEOUT_MS);
  world.port.observeFails = true;
  assert.equal((await world.restart())[0]?.outcome, 'running');
  world.port.observeFails = false;
  assert.equal((await world.restart())[0]?.outcome, 'healed');
});

test('a server that died after its compaction is judged by its file', async (t) => {
  const table: readonly (readonly [boolean, Change, string])[] = [
    [true, (evidence) => evidence, 'healed'],
    [true, withCommit(COMMIT_INDEX - 1), 'failed'],
    [true, withProblem('torn-tail'), 'failed'],
    [false, (evidence) => evidence, 'abandoned'],
  ];
  for (const [compacts, newFile, outcome] of table) {
    const world = await makeHealWorld(t);
    world.port.reply = TIMEOUT;
    world.port.compacts = compacts;
    world.port.newFile = newFile;
    await world.run();
    world.port.isGone = true;
    world.clock.advance(COMPACT_TIMEOUT_MS);
    assert.equal((await world.restart())[0]?.outcome, outcome);
  }
});

const CRASHES: readonly (readonly [HealStep, compacted: boolean, outcome: string])[] = [
  ['planned', false, 'abandoned'],
  ['turn-held', false, 'abandoned'],
  ['confirmed', false, 'abandoned'],
  ['compacting', false, 'abandoned'],
  ['compacting', true, 'healed'],
  ['compacted', true, 'healed'],
  ['verified', true, 'healed'],
];

for (const [step, compacted, outcome] of CRASHES)
  test(`an agent that dies after "${step}"${compacted ? ', the server having compacted' : ''}: ${outcome} once`, async (t) => {
    const world = await makeHealWorld(t);
    const { journal, died } = dyingAfter(await world.journal(), step);
    void world.run(journal);
    await died;
    world.port.hasCompacted = compacted;
    world.clock.advance(COMPACT_TIMEOUT_MS);
    const asked = countOf(world.port, 'compact');
    const ends = await world.restart();
    assert.deepEqual(
      ends.map((end) => end.outcome),
      [outcome],
    );
    assert.deepEqual(await world.restart(), [], 'nothing is left to do');
    assert.equal(countOf(world.port, 'compact'), asked, 'a resumed heal never asks the server');
    const closed = (await world.steps()).filter(([each]) => each === 'closed');
    assert.deepEqual(closed, [['closed', outcome]]);
  });

test('an agent that dies after "closed" has nothing to resume', async (t) => {
  const world = await makeHealWorld(t);
  const { journal, died } = dyingAfter(await world.journal(), 'closed');
  void world.run(journal);
  await died;
  assert.deepEqual(await world.restart(), []);
});

test('what was there before is taken from the journal, not from memory', async (t) => {
  const world = await makeHealWorld(t);
  world.port.reply = TIMEOUT;
  await world.run();
  world.clock.advance(COMPACT_TIMEOUT_MS);
  world.port.newFile = withCommit(COMMIT_INDEX - 1);
  const [end] = await world.restart();
  assert.deepEqual([end?.outcome, end?.detail], ['failed', 'commit index fell from 150 to 149']);
});
