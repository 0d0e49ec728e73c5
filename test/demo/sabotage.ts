import { rename, writeFile } from 'node:fs/promises';
import { copiesLayout } from '../../src/backup/copies.ts';
import { OvsdbClient, flipRecord } from '../engine/support/index.ts';
import type { AgentOverrides } from '../support/agent-process.ts';
import type { Stage } from './stage.ts';
import type { BreakableStep } from './step.ts';
import type { World } from './world.ts';

const WEEK_MS = 7 * 86_400_000;

export function overridesFor(broken: BreakableStep | null): AgentOverrides {
  if (broken === 'heal') return { heal: { mode: 'observe' } };
  if (broken === 'detect') return { scrub: { intervalMs: WEEK_MS, fullIntervalMs: WEEK_MS } };
  return {};
}

/** Root may write anywhere, so permissions would block nothing. */
export async function blockCopies(stage: Stage): Promise<void> {
  for (const { stateDir } of stage.agents) {
    const { root } = copiesLayout(stateDir);
    await rename(root, `${root}.away`);
    await writeFile(root, 'in the way\n');
  }
}

export async function breakBeforeProof(broken: BreakableStep | null, world: World): Promise<void> {
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
