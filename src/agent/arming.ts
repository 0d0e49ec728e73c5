import { z } from 'zod';
import type { Observation } from '../diagnose/evidence.ts';
import type { Diagnosis } from '../diagnose/verdict.ts';
import { readFileIfPresent, writeFileDurably } from '../lib/durable-file.ts';
import type { Database } from '../ovsdb/database.ts';

/** What the agent has seen that entitles it to act. Cluster ids pin it: another cluster must be earned anew. */
export interface Arming {
  readonly clusterIds: Readonly<Partial<Record<Database, string>>>;
  /** Wall time, in milliseconds, at which everything was healthy at once for the first time; null before. */
  readonly healthySinceMs: number | null;
  readonly armed: boolean;
}

export const DISARMED: Arming = { clusterIds: {}, healthySinceMs: null, armed: false };

export interface ArmingView {
  readonly observation: Observation;
  readonly diagnosis: Diagnosis;
}

/** The next state of arming. Pure. A clock that went back starts the wait again, never shortens it. */
export function nextArming(
  arming: Arming,
  views: readonly ArmingView[],
  nowMs: number,
  armAfterMs: number,
): Arming {
  const clusterIds = seenClusterIds(views);
  if (isAnotherCluster(arming.clusterIds, clusterIds)) return { ...DISARMED, clusterIds };
  if (arming.armed) return arming;
  const known = { ...arming.clusterIds, ...clusterIds };
  const sinceMs = arming.healthySinceMs;
  if (sinceMs === null || nowMs < sinceMs) {
    return { clusterIds: known, armed: false, healthySinceMs: isAllWell(views) ? nowMs : null };
  }
  return { clusterIds: known, healthySinceMs: sinceMs, armed: nowMs - sinceMs >= armAfterMs };
}

export function explainArming(arming: Arming, nowMs: number, armAfterMs: number): string {
  if (arming.armed) return 'every member was once healthy and marks were exchanged';
  if (arming.healthySinceMs === null) return 'not every member has been healthy at the same time yet';
  const leftMs = Math.max(0, armAfterMs - (nowMs - arming.healthySinceMs));
  return `healthy; armed in ${String(Math.ceil(leftMs / 1_000))} s`;
}

/** Without any view nothing was seen to be well. */
function isAllWell(views: readonly ArmingView[]): boolean {
  return views.length > 0 && views.every(isWellAndKnown);
}

/** Every member healthy, and a mark of each found in the leader's history: only then can a loss be noticed later. */
function isWellAndKnown({ observation, diagnosis }: ArmingView): boolean {
  if (diagnosis.cluster !== 'ok' || diagnosis.leader === null) return false;
  const { node, clusterId } = diagnosis.leader;
  const leader = observation.nodes.find((view) => view.node === node)?.evidence;
  const marked = new Set(
    (leader?.standings ?? [])
      .filter(({ mark, standing }) => standing === 'contained' && mark.clusterId === clusterId)
      .map(({ mark }) => mark.node),
  );
  return observation.nodes.every((view) => marked.has(view.node));
}

function seenClusterIds(views: readonly ArmingView[]): Partial<Record<Database, string>> {
  return Object.fromEntries(
    views.flatMap(({ diagnosis }) =>
      diagnosis.leader === null ? [] : [[diagnosis.database, diagnosis.leader.clusterId]],
    ),
  );
}

function isAnotherCluster(known: Arming['clusterIds'], seen: Arming['clusterIds']): boolean {
  return (['nb', 'sb'] as const).some((database) => {
    const before = known[database];
    const now = seen[database];
    return before !== undefined && now !== undefined && before !== now;
  });
}

const armingSchema = z.strictObject({
  clusterIds: z.strictObject({ nb: z.string().optional(), sb: z.string().optional() }),
  healthySinceMs: z.number().nullable(),
  armed: z.boolean(),
});

/** Reads the stored state; anything that cannot be understood means disarmed, which is the safe side. */
export async function loadArming(path: string): Promise<Arming> {
  const text = await readFileIfPresent(path);
  if (text === undefined) return DISARMED;
  try {
    const { clusterIds, ...rest } = armingSchema.parse(JSON.parse(text));
    return { ...rest, clusterIds: dropUndefined(clusterIds) };
  } catch {
    return DISARMED;
  }
}

export async function saveArming(path: string, arming: Arming): Promise<void> {
  await writeFileDurably(path, `${JSON.stringify(arming)}\n`);
}

function dropUndefined(ids: { nb?: string | undefined; sb?: string | undefined }): Arming['clusterIds'] {
  return { ...(ids.nb === undefined ? {} : { nb: ids.nb }), ...(ids.sb === undefined ? {} : { sb: ids.sb }) };
}
