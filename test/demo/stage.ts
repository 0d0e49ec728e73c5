import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentProcess } from '../support/agent-process.ts';
import type { AgentFollower } from './follow-agents.ts';
import type { BreakableStep } from './step.ts';
import type { Timeline } from './timeline.ts';
import { type World, killServers } from './world.ts';

/** Everything that the demo has made so far, so that it can be taken down at any moment. */
export interface Stage {
  readonly dir: string;
  readonly worlds: World[];
  readonly agents: AgentProcess[];
  follower: AgentFollower | null;
}

/** One performance. */
export interface Story {
  readonly stage: Stage;
  readonly timeline: Timeline;
  /** The step to break on purpose. */
  readonly broken: BreakableStep | null;
}

/** In the directory for temporary files: the path of a socket in a deep checkout could become too long. */
export function makeStage(): Stage {
  return { dir: mkdtempSync(join(tmpdir(), 'ovn-warden-demo-')), worlds: [], agents: [], follower: null };
}

/** Ends every process of the demo and, unless `keepFiles`, removes its directory. Never rejects. */
export async function clearStage(stage: Stage, keepFiles: boolean): Promise<void> {
  await Promise.allSettled([
    stage.follower?.stop(),
    ...stage.worlds.flatMap(({ ledgers }) => [ledgers.nb.stop(), ledgers.sb.stop()]),
    ...stage.agents.map((agent) => (agent.isRunning ? agent.stop() : undefined)),
  ]);
  await Promise.allSettled([
    ...stage.agents.map((agent) => agent.kill9()),
    ...stage.worlds.map((world) => killServers(world)),
  ]);
  if (!keepFiles) removeFiles(stage);
}

export function removeFiles(stage: Stage): void {
  rmSync(stage.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
