import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { copiesLayout } from '../../src/backup/copies.ts';
import { DATABASES, type Database } from '../../src/ovsdb/database.ts';
import { type Member, OvsdbClient, flipRecord } from '../engine/support/index.ts';
import { type AgentOverrides, startAgents } from '../support/agent-process.ts';
import { makeCertificates } from '../support/certificates.ts';
import { ROUNDS, damageFiles } from './damage-files.ts';
import { AgentFollower, type Course } from './follow-agents.ts';
import { gatherWithAgents, gatherWithoutAgents, ownWords } from './gather-proof.ts';
import type { WithAgents, WithoutAgents } from './proof.ts';
import type { Stage } from './stage.ts';
import { type BreakableStep, waitIn, within } from './step.ts';
import type { Timeline } from './timeline.ts';
import { SOUND, type World, killServers, serversOf, startWorld } from './world.ts';

const FIRST_ROWS = 40;
const ROWS_AFTER_REBOOT = 3;
const BETWEEN_ROUNDS_MS = 2_000;
const OUTAGE_MS = 1_000;
const ARM_TIMEOUT_MS = 30_000;
const FIND_TIMEOUT_MS = 15_000;
const PRESERVE_TIMEOUT_MS = 10_000;
const HEAL_TIMEOUT_MS = 30_000;
const CALM_TIMEOUT_MS = 30_000;
const MONTH_MS = 31 * 86_400_000;

export interface Story {
  readonly stage: Stage;
  readonly timeline: Timeline;
  readonly broken: BreakableStep | null;
}

export interface Proofs {
  readonly withAgents: WithAgents;
  readonly without: WithoutAgents;
}

/** Plays the whole story in both worlds. @throws StepError at the first step that does not go as it must. */
export async function play(story: Story): Promise<Proofs> {
  const { timeline, stage, broken } = story;
  timeline.heading('1. Two worlds, three hosts each, a writer in each');
  const [watched, alone] = await within('start', async () => await startWorlds(story));
  const follower = await within('arm', async () => await startWatching(story, watched));
  for (const [index, round] of ROUNDS.entries()) {
    timeline.heading(
      index === 0
        ? '2. Two disks rot under running servers'
        : '3. The same on other hosts: two of three files of each database have rotted by now',
    );
    await playRound(story, [watched, alone], follower, round);
  }
  timeline.heading('4. All hosts reboot at once; the only host without damage comes back last');
  await within('reboot', async () => {
    await reboot(story, [watched, alone]);
  });
  const ends = await within('late', async () => await startLateHosts(story, watched, alone));
  await waitUntilCalm(story);
  timeline.heading('5. Proof: everything is read anew');
  await breakBeforeProof(broken, watched);
  const withAgents = await within(
    'file',
    async () => await gatherWithAgents(watched, stage.agents, follower),
  );
  return { withAgents, without: await within('late', async () => await gatherWithoutAgents(alone, ends)) };
}

async function startWorlds({ stage, timeline }: Story): Promise<readonly [World, World]> {
  const names = ['with agents', 'without agents'] as const;
  const worlds = await Promise.all(
    names.map(async (name) => {
      const dir = join(stage.dir, name.replace(' ', '-'));
      await mkdir(dir, { recursive: true });
      const world = await startWorld(name, dir);
      stage.worlds.push(world);
      return world;
    }),
  );
  const [watched, alone] = worlds;
  if (watched === undefined || alone === undefined) throw new Error('two worlds were wanted');
  timeline.tell({
    world: 'both worlds',
    host: '',
    text: 'three NB and three SB servers run, with the schemas of OVN',
  });
  for (const world of worlds) {
    await Promise.all(DATABASES.map((database) => world.ledgers[database].write(FIRST_ROWS)));
    for (const database of DATABASES) world.ledgers[database].start();
  }
  const text = `${String(FIRST_ROWS)} writes acknowledged in each database; the writer goes on`;
  timeline.tell({ world: 'both worlds', host: '', text });
  return [watched, alone];
}

async function startWatching({ stage, timeline, broken }: Story, world: World): Promise<AgentFollower> {
  const nodes = world.clusters.nb.members.map(({ node }) => node);
  const certificates = await makeCertificates(join(stage.dir, 'certificates'), nodes);
  const dir = join(stage.dir, 'agents');
  const overrides = overridesFor(broken);
  stage.agents.push(...(await startAgents({ clusters: world.clusters, dir, certificates, overrides })));
  timeline.tell({
    world: world.name,
    host: '',
    text: 'an agent on each host; they know each other by certificate',
  });
  const follower = new AgentFollower(stage.agents, timeline);
  stage.follower = follower;
  follower.start();
  await waitIn(
    'arm',
    'the agents to arm',
    ARM_TIMEOUT_MS,
    () => (nodes.every((node) => follower.status(node)?.armed.armed === true) ? true : undefined),
    () => nodes.map((node) => `${node}: ${follower.status(node)?.armed.because ?? 'no word'}`).join('; '),
  );
  timeline.tell({
    world: world.name,
    host: '',
    text: 'agents armed: all members were healthy, marks exchanged',
  });
  if (broken === 'preserve') await blockCopies(stage);
  return follower;
}

function overridesFor(broken: BreakableStep | null): AgentOverrides {
  if (broken === 'heal') return { heal: { mode: 'observe' } };
  if (broken === 'detect') return { scrub: { intervalMs: MONTH_MS, fullIntervalMs: MONTH_MS } };
  return {};
}

/** Root may write anywhere, so permissions would block nothing. */
async function blockCopies(stage: Stage): Promise<void> {
  for (const { stateDir } of stage.agents) {
    const { root } = copiesLayout(stateDir);
    await rename(root, `${root}.away`);
    await writeFile(root, 'in the way\n');
  }
}

async function playRound(
  story: Story,
  worlds: readonly World[],
  follower: AgentFollower,
  round: Readonly<Record<Database, number>>,
): Promise<void> {
  const { timeline, broken } = story;
  await delay(BETWEEN_ROUNDS_MS);
  await within('damage', async () => {
    for (const world of worlds) {
      if (broken === 'damage' && world.name === 'without agents') continue;
      const faults = await damageFiles(world, round);
      if (world.name === 'with agents') follower.expect(faults);
      for (const { node, database, what } of faults) {
        const text = `${database.toUpperCase()}: ${what}`;
        timeline.tell({ world: world.name, host: node, text, tone: 'damage' });
      }
    }
  });
  await waitUntilHealed(follower);
  timeline.tell({ world: 'without agents', host: '', text: await quietWords(worlds), tone: 'quiet' });
}

async function waitUntilHealed(follower: AgentFollower): Promise<void> {
  const lacking = (isDone: (course: Course) => boolean): string =>
    follower.courses
      .filter((course) => !isDone(course))
      .map(
        ({ fault }) => `${fault.node} has not, for ${fault.database.toUpperCase()}${whyNot(follower, fault)}`,
      )
      .join('; ');
  const waitForAll = async (
    step: 'detect' | 'preserve' | 'heal',
    what: string,
    timeoutMs: number,
    isDone: (course: Course) => boolean,
  ): Promise<void> => {
    await waitIn(
      step,
      what,
      timeoutMs,
      () => (follower.courses.every(isDone) ? true : undefined),
      () => lacking(isDone),
    );
  };
  await waitForAll('detect', 'the agents to find the damage', FIND_TIMEOUT_MS, isFound);
  await waitForAll('preserve', 'copies of the damaged files', PRESERVE_TIMEOUT_MS, isPreserved);
  await waitForAll('heal', 'the agents to heal', HEAL_TIMEOUT_MS, isHealed);
}

/** The end of a quick heal may be seen before its beginning. */
function isFound({ foundAtMs, healedAtMs }: Course): boolean {
  return foundAtMs !== null || healedAtMs !== null;
}

function isPreserved({ preservedAtMs, healedAtMs }: Course): boolean {
  return preservedAtMs !== null || healedAtMs !== null;
}

function isHealed({ healedAtMs }: Course): boolean {
  return healedAtMs !== null;
}

/** What stands in the way, as the agent of that node says. */
function whyNot(follower: AgentFollower, { node, database }: Course['fault']): string {
  const status = follower.status(node);
  const view = status?.databases.find(({ diagnosis }) => diagnosis.database === database);
  const guards = view?.plan?.guards.filter(({ ok, id }) => !ok && id !== 'turn') ?? [];
  const [first] = guards;
  const because =
    first === undefined
      ? view?.plan?.because
      : `guard ${first.id}: ${first.value}, wanted ${first.threshold}`;
  return because === undefined ? '' : ` (${because})`;
}

/** Without agents the damaged servers go on as if nothing had happened. */
async function quietWords(worlds: readonly World[]): Promise<string> {
  const alone = worlds.find(({ name }) => name === 'without agents');
  const words = await Promise.all(
    DATABASES.flatMap((database) => alone?.clusters[database].members ?? []).map(ownWords),
  );
  const distinct = [...new Set(words)].join('" and "');
  return `nobody notices; all ${String(words.length)} servers say "${distinct}"`;
}

async function reboot({ stage, timeline }: Story, worlds: readonly World[]): Promise<void> {
  for (const { ledgers } of worlds) await Promise.all(DATABASES.map((database) => ledgers[database].stop()));
  for (const { name, ledgers } of worlds) {
    const text = `${String(ledgers.nb.acknowledged.size)} NB and ${String(ledgers.sb.acknowledged.size)} SB writes acknowledged so far`;
    timeline.tell({ world: name, host: '', text });
  }
  await Promise.all([...worlds.map(killServers), ...stage.agents.map((agent) => agent.kill9())]);
  timeline.tell({
    world: 'both worlds',
    host: '',
    text: 'power off: every server and agent is killed (kill -9)',
    tone: 'damage',
  });
  await delay(OUTAGE_MS);
  timeline.tell({ world: 'both worlds', host: '', text: 'two hosts boot; the third takes longer' });
  await Promise.all(worlds.map((world) => startEarlyHosts(world)));
  await startAgentsOf(stage, (number) => number !== SOUND);
  for (const world of worlds) await tellWhoIsBack(timeline, world);
}

async function startEarlyHosts(world: World): Promise<void> {
  const early = [0, 1, 2].filter((number) => number !== SOUND);
  await Promise.all(early.flatMap((number) => serversOf(world, number)).map((member) => member.start()));
  await Promise.all(DATABASES.map((database) => world.clusters[database].waitUntilCaughtUp()));
  await Promise.all(DATABASES.map((database) => world.ledgers[database].write(ROWS_AFTER_REBOOT)));
}

async function startAgentsOf(stage: Stage, isWanted: (number: number) => boolean): Promise<void> {
  await Promise.all(stage.agents.filter((_, number) => isWanted(number)).map((agent) => agent.start()));
}

async function tellWhoIsBack(timeline: Timeline, world: World): Promise<void> {
  const members = DATABASES.flatMap((database) => world.clusters[database].running());
  const nodes = [...new Set(members.map(({ node }) => node))].join(' and ');
  const words = [...new Set(await Promise.all(members.map(ownWords)))].join('" and "');
  const text = `${nodes} are back, have leaders, take writes and say "${words}"`;
  timeline.tell({ world: world.name, host: '', text });
}

/** The late host: in step again where the others are whole, dead where they have forgotten what it knows. */
async function startLateHosts(
  { stage, timeline }: Story,
  watched: World,
  alone: World,
): Promise<Readonly<Record<Database, string | null>>> {
  const late = serversOf(watched, SOUND);
  await Promise.all(late.map((member) => member.start()));
  await startAgentsOf(stage, (number) => number === SOUND);
  await Promise.all(DATABASES.map((database) => watched.clusters[database].waitUntilCaughtUp()));
  const host = late[0]?.node ?? '';
  timeline.tell({ world: watched.name, host, text: 'the late host is back and in step', tone: 'good' });
  const [nb, sb] = await Promise.all(
    DATABASES.map(async (database) => await startAndDie(timeline, alone.clusters[database].member(SOUND))),
  );
  return { nb: nb ?? null, sb: sb ?? null };
}

/** Twice, as a host's service manager would. The answer is the line with which the server died, null if it lives. */
async function startAndDie(timeline: Timeline, member: Member): Promise<string | null> {
  const name = member.database.toUpperCase();
  await member.start().catch(() => undefined); // it may die before it answers for the first time
  if ((await member.awaitExit().catch(() => undefined)) === undefined) return null;
  const first = lastLine(member.logText(), /assertion .* failed/);
  const second = await member.startAndAwaitExit();
  const again = lastLine(member.stderrText(), /attempts to truncate .*/);
  const tell = (text: string): void => {
    timeline.tell({ world: 'without agents', host: member.node, text, tone: 'bad' });
  };
  tell(`the only whole ${name} server dies: ${first}`);
  tell(`started again, it ends with exit code ${String(second.exitCode)}: ${again}`);
  return first;
}

function lastLine(text: string, wanted: RegExp): string {
  const line = text.split('\n').findLast((candidate) => wanted.test(candidate)) ?? '';
  return wanted.exec(line)?.[0] ?? 'nothing was printed';
}

async function waitUntilCalm({ stage, timeline }: Story): Promise<void> {
  const follower = stage.follower;
  const troubles = (): string[] =>
    stage.agents.flatMap(({ node }) => {
      const status = follower?.status(node);
      if (status === undefined || Date.now() - Date.parse(status.at) > 5_000)
        return [`${node} gives no word`];
      return status.databases
        .filter(({ diagnosis }) => diagnosis.cluster !== 'ok')
        .map(({ diagnosis }) => {
          const { database, cluster, because } = diagnosis;
          return `${node} says ${database.toUpperCase()} is ${cluster}: ${because}`;
        });
    });
  await waitIn(
    'status',
    'every agent to find both databases ok again',
    CALM_TIMEOUT_MS,
    () => (troubles().length === 0 ? true : undefined),
    () => troubles().join('; '),
  );
  timeline.tell({
    world: 'with agents',
    host: '',
    text: 'all agents say that both databases are ok',
    tone: 'good',
  });
}

async function breakBeforeProof(broken: BreakableStep | null, world: World): Promise<void> {
  if (broken === 'ledger') await deleteOneRow(world);
  if (broken === 'file') flipRecord(world.clusters.nb.member(1).paths.file);
}

async function deleteOneRow({ clusters, ledgers }: World): Promise<void> {
  const [name] = ledgers.nb.acknowledged.keys();
  const leader = await clusters.nb.waitForLeader();
  const client = await OvsdbClient.connect(leader.paths.remote);
  try {
    const where = [['name', '==', name]];
    await client.transact(leader.schemaName, { op: 'delete', table: 'Logical_Switch', where });
  } finally {
    client.close();
  }
  await clusters.nb.waitUntilCaughtUp();
}
