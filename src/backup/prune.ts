import { rm } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';
import { fsyncDirectory } from '../lib/durable-file.ts';
import { WardenError } from '../lib/errors.ts';
import { type CatalogueContent, removeItem } from './catalogue.ts';
import type { Copies } from './copies.ts';
import { listObjects, objectPath } from './object-store.ts';
import { type RetentionPlan, type RetentionPolicy, planRetention } from './retention.ts';
import { freeBytes } from './room.ts';

export interface PruneRequest {
  readonly policy: RetentionPolicy;
  readonly frozen: boolean;
  readonly clock: Clock;
}

export interface PruneResult {
  readonly plan: RetentionPlan;
  /** Bytes on disk of the objects that no item needs any more. */
  readonly removedBytes: number;
  readonly removedObjects: number;
}

/** An object younger than this may belong to a manifest that another process is about to write. */
const SWEEP_GRACE_MS = 3_600_000;

/**
 * What retention would do now.
 * @throws WardenError `state-corrupt` while a manifest cannot be read: it may name any object, so nothing is surplus.
 */
export async function planPrune(copies: Copies, request: PruneRequest): Promise<RetentionPlan> {
  const content = await readableCatalogue(copies);
  return planRetention(content.items, request.policy, {
    objectBytes: new Map((await listObjects(copies.layout)).map((o) => [o.sha256, o.storedBytes])),
    freeBytes: await freeBytes(copies.layout.root),
    nowMs: request.clock.nowMs(),
    frozen: request.frozen,
  });
}

/**
 * Applies the retention plan of this moment: manifests first, durably, then the objects that no manifest names. Killed
 * in between, it leaves surplus objects for the next run, never a manifest without its objects.
 * @throws WardenError `state-corrupt` as {@link planPrune}; nothing is removed then.
 */
export async function prune(copies: Copies, request: PruneRequest): Promise<PruneResult> {
  return await copies.exclusive(async () => {
    const plan = await planPrune(copies, request);
    for (const { id } of plan.remove) await removeItem(copies.layout.items, id);
    const swept = request.frozen
      ? { removedBytes: 0, removedObjects: 0 }
      : await sweep(copies, request.clock);
    return { plan, ...swept };
  });
}

async function sweep(copies: Copies, clock: Clock): Promise<Omit<PruneResult, 'plan'>> {
  // Read again from disk: only what is not named by any manifest there, now, may go.
  const { items } = await readableCatalogue(copies);
  const needed = new Set(items.flatMap((item) => item.files.map((file) => file.sha256)));
  let removedBytes = 0;
  let removedObjects = 0;
  for (const { sha256, storedBytes, modifiedAtMs } of await listObjects(copies.layout)) {
    if (needed.has(sha256) || clock.nowMs() - modifiedAtMs < SWEEP_GRACE_MS) continue;
    await rm(objectPath(copies.layout, sha256));
    removedBytes += storedBytes;
    removedObjects += 1;
  }
  if (removedObjects > 0) await fsyncDirectory(copies.layout.objects);
  return { removedBytes, removedObjects };
}

async function readableCatalogue(copies: Copies): Promise<CatalogueContent> {
  const content = await copies.read();
  const [first] = content.corrupt;
  if (first === undefined) return content;
  throw new WardenError('state-corrupt', `nothing is pruned: the manifest ${first.path} cannot be read`, {
    hint: 'repair it, or move it away once its copies are no longer needed',
    details: { paths: content.corrupt.map(({ path }) => path) },
  });
}
