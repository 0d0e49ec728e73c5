import { setTimeout as delay } from 'node:timers/promises';
import { DATABASES, type Database } from '../../src/ovsdb/database.ts';
import type { Member } from '../engine/support/index.ts';
import { ownWords } from './gather-proof.ts';
import type { Stage, Story } from './stage.ts';
import { waitIn } from './step.ts';
import type { Timeline } from './timeline.ts';
import { SOUND, type World, killServers, serversOf } from './world.ts';

const OUTAGE_MS = 1_000;
const ROWS_AFTER_REBOOT = 3;
const CALM_TIMEOUT_MS = 30_000;

/** All hosts lose power; those that had damage come back. */
export async function reboot({ stage, timeline }: Story, worlds: readonly World[]): Promise<void> {
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
export async function startLateHosts(
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

export async function waitUntilCalm({ stage, timeline }: Story): Promise<void> {
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
