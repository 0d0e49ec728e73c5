import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Exchange, PEER_PATHS } from '../../src/agent/exchange.ts';
import { Healer } from '../../src/agent/healer.ts';
import { type Member, learnFromSiblings } from '../../src/agent/member.ts';
import { type Config, configSchema } from '../../src/config/schema.ts';
import type { MemberEvidence } from '../../src/diagnose/evidence.ts';
import type { CompactReply, HealEnd } from '../../src/heal/compact.ts';
import { Journal } from '../../src/heal/journal.ts';
import { TurnKeeper, type TurnRequest } from '../../src/heal/turn.ts';
import { MarkStore } from '../../src/watch/mark-store.ts';
import { MemberWatch } from '../../src/watch/member-watch.ts';
import {
  CLUSTER_ID,
  healthyCluster,
  serverIdOf,
  withMember,
  withProblem,
  withRot,
} from '../support/evidence.ts';
import { exampleConfig } from '../support/example-config.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { PROBLEM, ScriptedMember, range } from '../support/scripted-member.ts';
import { ScriptedPeers } from '../support/scripted-peers.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

type HealSettings = Partial<Config['heal']>;

/** The agent of n1, the leader of three; its siblings say what the test has them say. */
interface World {
  readonly healer: Healer;
  readonly member: ScriptedMember;
  readonly watch: MemberWatch;
  readonly peers: ScriptedPeers;
  readonly clock: ManualClock;
  readonly journal: Journal;
  readonly keeper: TurnKeeper;
  readonly ends: HealEnd[];
  readonly compactions: string[];
  readonly preserved: string[];
  compact: () => Promise<CompactReply>;
  /** Looks until the damage in the file is confirmed, and hears the siblings. */
  readonly rot: () => Promise<void>;
}

function configOf(heal: HealSettings): Config {
  const example = exampleConfig();
  const siblings = ['n2', 'n3'].map((node) => ({ node, url: `https://${node}:10671` }));
  return configSchema.parse({
    ...example,
    node: 'n1',
    databases: { nb: example.databases.nb },
    peer: { ...example.peer, siblings, staleAfterMs: 600_000 },
    heal,
  });
}

function answersOf(members: readonly MemberEvidence[], change: Record<string, unknown> = {}) {
  return Object.fromEntries(
    members.slice(1).map((member) => {
      const state = { node: member.node, members: [member] };
      return [member.node, { granted: true, because: 'keeping still', state, ...change }];
    }),
  );
}

/** What a sibling answers when it is asked for its state alone. */
function statesOf(members: readonly MemberEvidence[]) {
  return Object.fromEntries(
    members.slice(1).map(({ node }, at) => [node, { node, members: [members[at + 1]] }]),
  );
}

async function makeWorld(t: TestContext, heal: HealSettings = {}): Promise<World> {
  const directory = await temporaryDirectory(t);
  const config = configOf(heal);
  const member = new ScriptedMember();
  member.history = range(101, 150);
  const [clock, peers] = [new ManualClock(), new ScriptedPeers()];
  const journal = await Journal.open(join(directory, 'journal.jsonl'), () => assert.fail('a bad line'));
  t.after(() => journal.close());
  const watch = new MemberWatch({
    node: 'n1',
    database: 'nb',
    fullIntervalMs: config.scrub.fullIntervalMs,
    confirmAfterMs: config.scrub.confirmAfterMs,
    port: member,
    events: { corruption: ignore, cleared: ignore, read: ignore, trouble: ignore },
    marks: new MarkStore(join(directory, 'marks.json')),
    clock,
  });
  await watch.start();
  const exchange = new Exchange({
    node: 'n1',
    siblings: config.peer.siblings,
    client: peers,
    clock,
    onAnswer: ignore,
    onTrouble: ignore,
  });
  const keeper = new TurnKeeper(clock, config.heal.turnMs);
  const nb: Member = { database: 'nb', file: '/etc/ovn/nb.db', socket: '/run/nb.ctl', watch };
  const [ends, compactions, preserved]: [HealEnd[], string[], string[]] = [[], [], []];
  const healer = new Healer({
    config,
    clock,
    journal,
    keeper,
    exchange,
    members: [nb],
    armed: () => ({ armed: true, because: 'every member was once healthy' }),
    random: () => 0.5,
    port: {
      async compact({ database }) {
        compactions.push(database);
        return await world.compact();
      },
      isPreserved: async () => await Promise.resolve(true),
      preserve: async (_member, reason) => await Promise.resolve(preserved.push(reason)),
      freeBytes: async () => await Promise.resolve(1e12),
      availableMemoryBytes: async () => await Promise.resolve(1e12),
      fileSizeBytes: async () => await Promise.resolve(100_000),
      onEnd: (_database, end) => ends.push(end),
      onTrouble: ignore,
    },
  });
  const world: World = {
    ...{ healer, member, watch, peers, clock, journal, keeper, ends, compactions, preserved },
    compact: async () => {
      member.inode = '1:8';
      member.problem = null;
      return await Promise.resolve({ outcome: 'done' });
    },
    async rot() {
      member.problem = PROBLEM;
      peers.answers = statesOf(healthyCluster());
      await exchange.pull();
      await watch.look();
      clock.advance(config.heal.turnMs + config.scrub.confirmAfterMs);
      await watch.look();
      await exchange.pull();
      await learnFromSiblings(nb, exchange);
      peers.answers = answersOf(healthyCluster());
      peers.asked.splice(0);
    },
  };
  return world;
}

function ignore(): void {
  // What happens here is of no interest to these tests.
}

test('a rotten file is compacted away with the siblings keeping still, within the default times', async (t) => {
  const { healer, ends, compactions, peers, rot, journal, member, clock } = await makeWorld(t);
  await rot();
  const readFile = member.readFile.bind(member);
  member.readFile = async (mode) => {
    clock.advance(1_000);
    return await readFile(mode);
  };
  await healer.round();
  assert.deepEqual(
    ends.map(({ outcome, detail }) => [outcome, detail]),
    [['healed', '60 records verified']],
  );
  assert.deepEqual(compactions, ['nb']);
  const [turn, release] = [PEER_PATHS.turn, PEER_PATHS.release];
  assert.deepEqual(peers.asked, [`n2 ${turn}`, `n3 ${turn}`, `n2 ${release}`, `n3 ${release}`]);
  assert.deepEqual(journal.openHeals(), []);
  await healer.round();
  assert.deepEqual(compactions, ['nb'], 'nothing is left to do');
});

test('in observe mode nobody is asked and nothing is done, and the plan says what would be', async (t) => {
  const { healer, compactions, peers, rot, journal } = await makeWorld(t, { mode: 'observe' });
  await rot();
  await healer.round();
  assert.deepEqual([compactions, peers.asked, journal.entries], [[], [], []]);
  const plan = healer.planFor('nb');
  assert.equal(plan?.remedy, 'compact');
  assert.deepEqual(
    plan.guards.filter(({ ok }) => !ok).map(({ id }) => id),
    ['mode', 'turn'],
  );
});

test('a refusal is the end of this attempt; the next one comes after a pause', async (t) => {
  const { healer, ends, compactions, peers, rot, clock } = await makeWorld(t, { retryMs: 30_000 });
  await rot();
  peers.answers = answersOf(healthyCluster(), { granted: false, because: 'n9 holds the turn' });
  await healer.round();
  assert.deepEqual(
    ends.map(({ outcome }) => outcome),
    ['refused'],
  );
  const asked = peers.asked.length;
  clock.advance(44_999);
  await healer.round();
  assert.equal(peers.asked.length, asked);
  peers.answers = answersOf(healthyCluster());
  clock.advance(1);
  await healer.round();
  assert.deepEqual(
    ends.map(({ outcome }) => outcome),
    ['refused', 'healed'],
  );
  assert.deepEqual(compactions, ['nb']);
});

test('what the siblings say with their yes counts: a follower that is ahead stops the heal', async (t) => {
  const { healer, ends, compactions, peers, rot } = await makeWorld(t);
  await rot();
  peers.answers = answersOf(withMember(healthyCluster(), 3, withProblem('truncates-committed')));
  await healer.round();
  assert.equal(ends[0]?.outcome, 'refused');
  assert.match(ends[0].detail, /precedence: n3 is diverged/);
  assert.deepEqual(compactions, []);
});

function requestOf(number: number): TurnRequest {
  const serverId = serverIdOf(number);
  return {
    healId: 'heal-2',
    node: `n${String(number)}`,
    database: 'nb',
    clusterId: CLUSTER_ID,
    serverId,
    turnMs: 60_000,
  };
}

test('a sibling is granted a turn for a member that is rotten here as well; then nothing is begun here', async (t) => {
  const { healer, compactions, peers, rot, keeper } = await makeWorld(t);
  await rot();
  peers.answers = statesOf(healthyCluster());
  assert.match(JSON.stringify(await healer.answerTurn(requestOf(2))), /n2 is healthy here/);
  peers.answers = statesOf(withMember(healthyCluster(), 2, withRot));
  assert.deepEqual(await healer.answerTurn(requestOf(2)), { granted: true });
  await healer.round();
  assert.deepEqual(compactions, []);
  healer.releaseTurn('heal-2', 'n3');
  assert.equal(keeper.current()?.node, 'n2', 'only the one that holds it can give it back');
  healer.releaseTurn('heal-2', 'n2');
  peers.answers = statesOf(healthyCluster());
  assert.equal((await healer.answerTurn(requestOf(2))).granted, false, 'it is healthy again');
  peers.answers = answersOf(healthyCluster());
  await healer.round();
  assert.deepEqual(compactions, ['nb']);
});

test('while a heal runs here no sibling gets a turn', async (t) => {
  const world = await makeWorld(t);
  const { healer, rot } = world;
  await rot();
  const answers: unknown[] = [];
  const compact = world.compact;
  world.compact = async () => {
    world.peers.answers = statesOf(withMember(healthyCluster(), 2, withRot));
    answers.push(await healer.answerTurn(requestOf(2)));
    return await compact();
  };
  await healer.round();
  assert.deepEqual(answers, [{ granted: false, because: 'n1 is healing its own nb' }]);
});

test('while the end of a heal is not known, nothing is begun and nobody gets a turn; then it is ended', async (t) => {
  const world = await makeWorld(t, { cooldownMs: 0 });
  const { healer, rot, ends, compactions, member, clock, peers, journal } = world;
  await rot();
  world.compact = async () => {
    member.server = { state: 'silent', detail: 'no answer' };
    return await Promise.reject(new Error('no answer in 120000 ms'));
  };
  await healer.round();
  assert.deepEqual(
    ends.map(({ outcome }) => outcome),
    ['running'],
  );
  for (let round = 0; round < 3; round += 1) {
    clock.advance(200_000);
    await healer.round();
  }
  peers.answers = statesOf(withMember(healthyCluster(), 2, withRot));
  assert.deepEqual(await healer.answerTurn(requestOf(2)), {
    granted: false,
    because: 'n1 is healing its own nb',
  });
  assert.deepEqual(compactions, ['nb']);
  assert.equal(journal.openHeals().length, 1);
  const [leader] = healthyCluster();
  assert.ok(leader !== undefined);
  member.server = leader.server;
  member.inode = '1:8';
  member.problem = null;
  await healer.round();
  assert.deepEqual(
    ends.map(({ outcome }) => outcome),
    ['running', 'healed'],
  );
  assert.deepEqual([compactions, journal.openHeals()], [['nb'], []]);
});

test('a file for a person to look at is preserved once for each content', async (t) => {
  const { healer, watch, member, preserved, compactions } = await makeWorld(t);
  member.problem = { ...PROBLEM, kind: 'truncates-committed', detail: 'attempts to truncate log' };
  await watch.look();
  await healer.round();
  await healer.round();
  assert.deepEqual(preserved, ['diverged: attempts to truncate log']);
  member.inode = '1:8';
  await watch.look();
  await healer.round();
  assert.equal(preserved.length, 2);
  assert.deepEqual(compactions, []);
});
