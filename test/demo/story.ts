import { ROUNDS } from './damage-files.ts';
import { gatherWithAgents, gatherWithoutAgents } from './gather-proof.ts';
import { startWatching, startWorlds } from './opening-scene.ts';
import type { WithAgents, WithoutAgents } from './proof.ts';
import { reboot, startLateHosts, waitUntilCalm } from './reboot-scene.ts';
import { playRound } from './rot-scene.ts';
import { breakBeforeProof } from './sabotage.ts';
import type { Story } from './stage.ts';
import { within } from './step.ts';

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
        : '3. The same, the other way round: two of three files of each database have rotted by now',
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
