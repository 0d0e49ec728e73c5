import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ServerEvidence } from '../../src/diagnose/evidence.ts';
import type { HighWaterMark } from '../../src/diagnose/mark.ts';
import { MarkStore } from '../../src/watch/mark-store.ts';
import { MemberWatch } from '../../src/watch/member-watch.ts';
import { markOf, positionOf } from '../support/evidence.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { PROBLEM, ScriptedMember, range, up } from '../support/scripted-member.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const CONFIRM_AFTER_MS = 60_000;
const DOWN: ServerEvidence = { state: 'down', detail: 'nobody listens' };
const SILENT: ServerEvidence = { state: 'silent', detail: 'no answer' };

interface World {
  readonly port: ScriptedMember;
  readonly clock: ManualClock;
  readonly events: string[];
  readonly marksFile: string;
  readonly open: () => Promise<MemberWatch>;
}

async function makeWorld(t: TestContext): Promise<World> {
  const port = new ScriptedMember();
  const clock = new ManualClock();
  const events: string[] = [];
  const marksFile = join(await temporaryDirectory(t), 'marks-nb.json');
  return {
    port,
    clock,
    events,
    marksFile,
    async open() {
      const watch = new MemberWatch({
        node: 'n1',
        database: 'nb',
        fullIntervalMs: 3_600_000,
        confirmAfterMs: CONFIRM_AFTER_MS,
        port,
        events: {
          corruption: (problem, inode) => events.push(`corruption: ${problem.kind} in ${inode}`),
          cleared: (inode) => events.push(`cleared: ${inode}`),
          read: () => undefined,
          trouble: (what) => events.push(`trouble: ${what}`),
        },
        marks: new MarkStore(marksFile),
        clock,
      });
      await watch.start();
      return watch;
    },
  };
}

/** A watch that has looked once at a sound member. */
async function makeSettledWorld(t: TestContext): Promise<World & { readonly watch: MemberWatch }> {
  const world = await makeWorld(t);
  const watch = await world.open();
  await watch.look();
  world.port.taken();
  return { ...world, watch };
}

test('a sound member is read whole at first, then only as far as it is new, and whole again when that is due', async (t) => {
  const { port, clock, watch } = await makeSettledWorld(t);
  await watch.look();
  assert.deepEqual(port.taken(), ['incremental']);
  await watch.look('full');
  assert.deepEqual(port.taken(), ['full']);
  clock.advance(3_600_000);
  await watch.look();
  assert.deepEqual(port.taken(), ['full']);
  assert.equal(watch.evidence().rot, null);
});

test('damage is confirmed only by a second read that comes late enough, and the copy comes before check-cluster', async (t) => {
  const { port, clock, events, watch } = await makeSettledWorld(t);
  port.problem = PROBLEM;
  await watch.look();
  assert.deepEqual(port.taken(), [
    'incremental',
    'full',
    'preserve: damaged-record at 4242',
    'check-cluster',
  ]);
  assert.equal(watch.evidence().rot?.reads, 1);
  clock.advance(CONFIRM_AFTER_MS / 2);
  await watch.look();
  await watch.look('full');
  assert.deepEqual(port.taken(), ['incremental', 'full']);
  assert.equal(watch.evidence().rot?.reads, 1);
  clock.advance(CONFIRM_AFTER_MS / 2);
  const { rot, file } = await watch.look();
  assert.deepEqual(port.taken(), ['full']);
  assert.equal(rot?.reads, 2);
  assert.equal(rot.spanMs, CONFIRM_AFTER_MS);
  assert.equal(rot.checkCluster, 'bad');
  assert.equal(rot.preservedSha256, 'ab'.repeat(32));
  assert.equal(rot.inode, file?.inode);
  assert.deepEqual(events, ['corruption: damaged-record in 1:7']);
});

test('damage in old bytes is found by the full read', async (t) => {
  const { port, clock, watch } = await makeSettledWorld(t);
  port.problem = PROBLEM;
  port.isRotHidden = true;
  await watch.look();
  assert.equal(watch.evidence().rot, null);
  clock.advance(3_600_000);
  await watch.look();
  assert.equal(watch.evidence().rot?.reads, 1);
});

test('a new inode without the damage clears it', async (t) => {
  const { port, events, watch } = await makeSettledWorld(t);
  port.problem = PROBLEM;
  await watch.look();
  port.problem = null;
  port.inode = '1:8';
  const { rot } = await watch.look();
  assert.equal(rot, null);
  assert.deepEqual(events, ['corruption: damaged-record in 1:7', 'cleared: 1:8']);
});

test('while no copy is safe, check-cluster is not asked; both are tried again', async (t) => {
  const { port, events, watch } = await makeSettledWorld(t);
  port.problem = PROBLEM;
  port.preserveFails = true;
  await watch.look();
  assert.equal(port.taken().includes('check-cluster'), false);
  assert.equal(watch.evidence().rot?.preservedSha256, null);
  assert.equal(watch.evidence().rot?.checkCluster, 'not-run');
  assert.ok(events.includes('trouble: preserve'));
  port.preserveFails = false;
  port.word = 'failed';
  await watch.look();
  assert.deepEqual(port.taken(), ['incremental', 'preserve: damaged-record at 4242', 'check-cluster']);
  assert.equal(watch.evidence().rot?.checkCluster, 'failed');
  port.word = 'bad';
  await watch.look();
  assert.deepEqual(port.taken(), ['incremental', 'check-cluster']);
  await watch.look();
  assert.deepEqual(port.taken(), ['incremental'], 'an answer is an answer');
});

test('the file is preserved before anything else when the server goes and when it comes back', async (t) => {
  const { port, watch } = await makeSettledWorld(t);
  const table: readonly (readonly [ServerEvidence, string | null])[] = [
    [up('first'), null],
    [DOWN, 'preserve: server is down, was up'],
    [DOWN, null],
    [up('second'), 'preserve: server is up, was down'],
    [up('third'), 'preserve: server is up, was up'],
    [{ state: 'no-database', detail: 'gone', incarnation: 'third' }, null],
    [SILENT, null],
    [{ state: 'no-database', detail: 'gone', incarnation: 'third' }, null],
  ];
  for (const [server, expected] of table) {
    port.server = server;
    await watch.look();
    const [first] = port.taken();
    if (expected === null) assert.equal(first, 'incremental');
    else assert.equal(first, expected);
  }
});

test('a restart behind a moment of silence is noticed', async (t) => {
  const { port, watch } = await makeSettledWorld(t);
  port.server = SILENT;
  await watch.look();
  assert.deepEqual(port.taken(), ['incremental']);
  port.server = up('second');
  await watch.look();
  assert.deepEqual(port.taken(), ['preserve: server is up, was up', 'full']);
  port.server = SILENT;
  await watch.look();
  port.server = DOWN;
  await watch.look();
  assert.deepEqual(port.taken().slice(1), ['preserve: server is down, was up', 'full']);
});

test('an agent that starts preserves first, whether the server is up or down', async (t) => {
  for (const server of [up(), DOWN]) {
    const world = await makeWorld(t);
    world.port.server = server;
    const watch = await world.open();
    await watch.look();
    assert.deepEqual(world.port.taken(), [`preserve: server is ${server.state}, was not known`, 'full']);
  }
});

test('a copy that could not be made when the server went is tried again until it is there', async (t) => {
  const { port, watch } = await makeSettledWorld(t);
  port.server = DOWN;
  port.preserveFails = true;
  await watch.look();
  await watch.look();
  assert.equal(port.taken().filter((call) => call.startsWith('preserve')).length, 2);
  port.preserveFails = false;
  await watch.look();
  await watch.look();
  assert.equal(port.taken().filter((call) => call.startsWith('preserve')).length, 1);
});

test('marks go forward with the commit index and are on disk before anybody hears of them', async (t) => {
  const { port, watch, open } = await makeSettledWorld(t);
  assert.deepEqual(watch.evidence().ownMark, markOf(1, positionOf(50)));
  port.history = range(1, 58);
  const { ownMark, standings } = await watch.look();
  assert.equal(ownMark?.index, 58);
  assert.equal(standings.length, 1, 'the older one is superfluous');
  const next = await open();
  assert.deepEqual(next.standings, standings);
});

test('a mark stays when the file is cut', async (t) => {
  const { port, watch, open } = await makeSettledWorld(t);
  port.history = range(1, 38);
  port.inode = '1:8';
  port.continues = false;
  const { standings, ownMark } = await watch.look();
  assert.deepEqual(
    standings.map(({ mark, standing }) => [mark.index, standing]),
    [
      [50, 'beyond'],
      [38, 'contained'],
    ],
  );
  assert.equal(ownMark?.index, 38);
  // The file grows past the lost entries, with others in their place.
  port.history = [...range(1, 38), ...range(39, 60, 1)];
  const later = await watch.look();
  assert.equal(later.standings.find(({ mark }) => mark.index === 50)?.standing, 'contradicted');
  const next = await open();
  assert.equal(next.standings.find(({ mark }) => mark.index === 50)?.standing, 'contradicted');
});

const SIBLING_MARK: HighWaterMark = markOf(2, positionOf(45));

test('marks of siblings are held against the own file when they arrive, and again at every look', async (t) => {
  const { port, watch } = await makeSettledWorld(t);
  const late = markOf(2, positionOf(55));
  await watch.learn([SIBLING_MARK, late], []);
  assert.deepEqual(port.taken(), ['incremental'], 'read anew, so that a mark is not beyond by being fresh');
  const standingOf = (index: number) =>
    watch.standings.find(({ mark }) => mark.index === index && mark.node === 'n2')?.standing;
  assert.deepEqual([standingOf(45), standingOf(55)], ['contained', 'beyond']);
  await watch.learn([SIBLING_MARK, late], []);
  assert.deepEqual(port.taken(), [], 'nothing new');
  port.history = range(1, 56);
  await watch.look();
  assert.deepEqual(
    [standingOf(45), standingOf(55)],
    [undefined, 'contained'],
    'the older one is superfluous',
  );
});

test('a compaction that was seen to go on keeps what was proved; any other new file does not', async (t) => {
  for (const continues of [true, false]) {
    const { port, watch } = await makeSettledWorld(t);
    await watch.learn([SIBLING_MARK], []);
    port.inode = '1:8';
    port.history = range(52, 60);
    port.continues = continues;
    await watch.look();
    const standing = watch.standings.find(({ mark }) => mark.node === 'n2')?.standing;
    assert.equal(standing, continues ? 'contained' : 'unknown');
  }
});

test('one new file that did not go on is enough to doubt, whatever the next read says', async (t) => {
  const { port, watch } = await makeSettledWorld(t);
  await watch.learn([SIBLING_MARK], []);
  port.inode = '1:8';
  port.history = range(52, 60, 1);
  port.continues = false;
  port.problem = PROBLEM;
  const read = port.readFile.bind(port);
  port.readFile = async (mode) => {
    const look = await read(mode);
    // The full read that news of damage causes finds the same file as the read before it.
    port.continues = true;
    return look;
  };
  await watch.look();
  assert.equal(watch.standings.find(({ mark }) => mark.node === 'n2')?.standing, 'unknown');
});

test('a superfluous mark is kept for a sibling that has not found it', async (t) => {
  const { port, watch } = await makeSettledWorld(t);
  const first = watch.evidence().ownMark;
  assert.ok(first !== null);
  const standings = [{ mark: first, standing: 'unknown' }] as const;
  await watch.learn([first], [{ ownMark: null, standings }]);
  port.history = range(1, 58);
  await watch.look();
  assert.equal(watch.standings.length, 2);
  await watch.learn([], [{ ownMark: null, standings: [{ mark: first, standing: 'contained' }] }]);
  await watch.look();
  assert.equal(watch.standings.length, 1);
});

test('looks and lessons do not run into one another', async (t) => {
  const { port, watch } = await makeSettledWorld(t);
  port.history = range(1, 70);
  await Promise.all([
    watch.look(),
    watch.learn([SIBLING_MARK], []),
    watch.look('full'),
    watch.learn([markOf(3, positionOf(66))], []),
  ]);
  assert.deepEqual(
    watch.standings.map(({ mark, standing }) => [mark.node, mark.index, standing]),
    [
      ['n1', 70, 'contained'],
      ['n2', 45, 'contained'],
      ['n3', 66, 'contained'],
    ],
  );
});

test('while a look is under way, or when it failed, the evidence is that of the last whole look', async (t) => {
  const { port, clock, watch } = await makeSettledWorld(t);
  const before = watch.evidence();
  port.server = up('second');
  clock.advance(1_000);
  port.readFile = () => {
    assert.deepEqual(watch.evidence(), before);
    return Promise.reject(new Error('the disk is gone'));
  };
  assert.equal(watch.evidenceAgeMs(), 1_000);
  await assert.rejects(watch.look(), { message: 'the disk is gone' });
  assert.deepEqual(watch.evidence(), before);
  await watch.learn([], []);
  assert.equal(watch.evidence().takenAt, before.takenAt);
});

test('the age of evidence is that of the look behind it, whatever the wall clock does', async (t) => {
  const { clock, open } = await makeWorld(t);
  const watch = await open();
  assert.equal(watch.evidenceAgeMs(), null);
  await watch.look();
  clock.setWall(0);
  clock.advance(7_000);
  await watch.learn([SIBLING_MARK], []);
  assert.equal(watch.evidenceAgeMs(), 7_000);
  await watch.look();
  assert.equal(watch.evidenceAgeMs(), 0);
});

test('without a server the file says who it is; without either no mark is taken', async (t) => {
  const { port, open } = await makeWorld(t);
  port.server = DOWN;
  const watch = await open();
  assert.equal((await watch.look()).ownMark?.serverId, markOf(1, positionOf(1)).serverId);
});
