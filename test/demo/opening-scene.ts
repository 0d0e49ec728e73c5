import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DATABASES } from '../../src/ovsdb/database.ts';
import { startAgents } from '../support/agent-process.ts';
import { makeCertificates } from '../support/certificates.ts';
import { AgentFollower } from './follow-agents.ts';
import { blockCopies, overridesFor } from './sabotage.ts';
import type { Story } from './stage.ts';
import { waitIn } from './step.ts';
import { type World, startWorld } from './world.ts';

const FIRST_ROWS = 40;
const ARM_TIMEOUT_MS = 30_000;

/** Servers and writers of both worlds. */
export async function startWorlds({ stage, timeline }: Story): Promise<readonly [World, World]> {
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

/** An agent on each host of the world; they are armed when this returns. */
export async function startWatching(
  { stage, timeline, broken }: Story,
  world: World,
): Promise<AgentFollower> {
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
