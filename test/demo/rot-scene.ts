import { setTimeout as delay } from 'node:timers/promises';
import { DATABASES, type Database } from '../../src/ovsdb/database.ts';
import { damageFiles } from './damage-files.ts';
import type { AgentFollower, Course } from './follow-agents.ts';
import { ownWords } from './gather-proof.ts';
import type { Story } from './stage.ts';
import { waitIn, within } from './step.ts';
import type { World } from './world.ts';

const BETWEEN_ROUNDS_MS = 2_000;
const FIND_TIMEOUT_MS = 15_000;
const PRESERVE_TIMEOUT_MS = 10_000;
const HEAL_TIMEOUT_MS = 30_000;

/** Damages the same files in both worlds and waits until the agents have healed theirs. */
export async function playRound(
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
