import type { CopyItem } from './copy-item.ts';

/** One budget for backups, preserved and quarantined copies together. */
export interface RetentionPolicy {
  /** How many of each group and verdict stay. */
  readonly keepLast: number;
  readonly maxBytes: number;
  readonly minFreeBytes: number;
  readonly preservedKeepDays: number;
}

export interface RetentionSituation {
  /** sha256 to bytes on disk, of the objects that are really there. */
  readonly objectBytes: ReadonlyMap<string, number>;
  readonly freeBytes: number;
  readonly nowMs: number;
  /** Somebody's data is in doubt (`ahead`, `diverged`, `regressed`): nothing is removed anywhere. */
  readonly frozen: boolean;
}

export interface RetentionPlan {
  readonly keep: readonly { readonly id: string; readonly reasons: readonly string[] }[];
  readonly remove: readonly { readonly id: string; readonly reason: string }[];
  /** What the limits still miss after the removals, because the rest may not be removed; 0 when they are met. */
  readonly missingBytes: number;
}

type Reasons = ReadonlyMap<string, readonly string[]>;

const DAY_MS = 86_400_000;

/**
 * Decides which copies stay, with a reason for each, and changes nothing.
 *
 * Items are grouped by kind, node, database and cluster id, and ordered by their sequence number, never by time: a
 * clock that jumps pushes nothing out. Never removed: the newest item of each group; the newest verified one of each
 * group, and the one that reaches furthest; everything quarantined; a preserved copy within its days; everything while
 * `frozen`. Others go when `keepLast` of their group and verdict are newer, then oldest first while the bytes are over
 * a limit; an item whose going would free nothing stays.
 */
export function planRetention(
  items: readonly CopyItem[],
  policy: RetentionPolicy,
  situation: RetentionSituation,
): RetentionPlan {
  const ordered = items.toSorted((a, b) => a.sequence - b.sequence);
  const protectedBy = protections(ordered, policy, situation);
  const remove = new Map<string, string>();
  for (const item of surplus(ordered, policy.keepLast, situation.nowMs)) {
    if (!protectedBy.has(item.id)) remove.set(item.id, `beyond the last ${String(policy.keepLast)}`);
  }
  const kept = ordered.filter((item) => !remove.has(item.id));
  const { removed, missingBytes } = overLimits(ordered, kept, protectedBy, policy, situation);
  for (const item of removed) remove.set(item.id, 'over the limit of bytes, oldest first');
  return {
    keep: kept
      .filter((item) => !remove.has(item.id))
      .map((item) => ({ id: item.id, reasons: keepReasons(item, protectedBy, policy, situation) })),
    remove: [...remove].map(([id, reason]) => ({ id, reason })),
    missingBytes,
  };
}

function protections(
  ordered: readonly CopyItem[],
  policy: RetentionPolicy,
  situation: RetentionSituation,
): Reasons {
  const reasons = new Map<string, string[]>();
  const protect = (item: CopyItem | undefined, reason: string): void => {
    if (item !== undefined) reasons.set(item.id, [...(reasons.get(item.id) ?? []), reason]);
  };
  for (const group of Map.groupBy(ordered, groupOf).values()) {
    const verified = group.filter((item) => isVerified(item, situation.objectBytes));
    protect(group.at(-1), 'newest of its group');
    protect(verified.at(-1), 'last verified of its group');
    protect(furthest(verified), 'reaches furthest of its group');
  }
  for (const item of ordered) {
    if (item.kind === 'quarantine') protect(item, 'quarantined');
    if (item.kind === 'preserved' && isWithinDays(item, policy, situation.nowMs)) {
      protect(item, `preserved for ${String(policy.preservedKeepDays)} days`);
    }
    if (situation.frozen) protect(item, 'retention is frozen');
  }
  return reasons;
}

/** Items that have `keepLast` newer ones of their group and verdict. One dated in the future neither counts nor goes. */
function surplus(ordered: readonly CopyItem[], keepLast: number, nowMs: number): CopyItem[] {
  const dated = ordered.filter((item) => !isFutureDated(item, nowMs));
  const groups = Map.groupBy(dated, (item) => `${item.verdict.state}|${groupOf(item)}`);
  return [...groups.values()].flatMap((group) => group.slice(0, Math.max(0, group.length - keepLast)));
}

function overLimits(
  all: readonly CopyItem[],
  kept: readonly CopyItem[],
  protectedBy: Reasons,
  policy: RetentionPolicy,
  situation: RetentionSituation,
): { removed: CopyItem[]; missingBytes: number } {
  const { objectBytes } = situation;
  const missing = (items: readonly CopyItem[]): number => missingBytesOf(all, items, policy, situation);
  const candidates = kept.filter((item) => !protectedBy.has(item.id)).sort(leastWorthFirst);
  const removed = new Set<CopyItem>();
  const staying = (): CopyItem[] => kept.filter((item) => !removed.has(item));
  for (const candidate of candidates) {
    if (missing(staying()) === 0) break;
    removed.add(candidate);
  }
  const referenced = new Set(staying().flatMap(digests));
  for (const item of removed) {
    const frees = digests(item).some((sha256) => objectBytes.has(sha256) && !referenced.has(sha256));
    if (!frees) removed.delete(item);
  }
  return { removed: [...removed], missingBytes: missing(staying()) };
}

function missingBytesOf(
  all: readonly CopyItem[],
  staying: readonly CopyItem[],
  policy: RetentionPolicy,
  situation: RetentionSituation,
): number {
  const usedBytes = bytesOf(staying, situation.objectBytes);
  const freedBytes = bytesOf(all, situation.objectBytes) - usedBytes;
  return Math.max(0, usedBytes - policy.maxBytes, policy.minFreeBytes - situation.freeBytes - freedBytes);
}

/** On disk, identical bytes counted once. */
function bytesOf(items: readonly CopyItem[], objectBytes: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const sha256 of new Set(items.flatMap(digests))) sum += objectBytes.get(sha256) ?? 0;
  return sum;
}

/** Suspect backups of a damaged live file, one an hour, must not push out sound ones. */
function leastWorthFirst(a: CopyItem, b: CopyItem): number {
  const worth = (item: CopyItem): number =>
    item.kind === 'backup' && item.verdict.state === 'suspect' ? 0 : 1;
  return worth(a) - worth(b) || a.sequence - b.sequence;
}

function keepReasons(
  item: CopyItem,
  protectedBy: Reasons,
  policy: RetentionPolicy,
  situation: RetentionSituation,
): readonly string[] {
  const reasons = protectedBy.get(item.id);
  if (reasons !== undefined) return reasons;
  return [
    isFutureDated(item, situation.nowMs)
      ? 'dated in the future'
      : `one of the last ${String(policy.keepLast)}`,
  ];
}

/** A file that was cut at a record boundary verifies; only its commit index tells that an older copy has more. */
function furthest(verified: readonly CopyItem[]): CopyItem | undefined {
  return verified.toSorted((a, b) => reach(a) - reach(b)).at(-1);
}

function reach(item: CopyItem): number {
  return item.position.commitIndex ?? -1;
}

function isVerified(item: CopyItem, objectBytes: ReadonlyMap<string, number>): boolean {
  return item.verdict.state === 'verified' && digests(item).every((sha256) => objectBytes.has(sha256));
}

function isFutureDated(item: CopyItem, nowMs: number): boolean {
  return Date.parse(item.takenAt) > nowMs;
}

function isWithinDays(item: CopyItem, policy: RetentionPolicy, nowMs: number): boolean {
  return nowMs - Date.parse(item.confirmedAt) < policy.preservedKeepDays * DAY_MS;
}

function digests(item: CopyItem): string[] {
  return item.files.map((file) => file.sha256);
}

function groupOf(item: CopyItem): string {
  return [item.kind, item.node, item.database, item.identity.clusterId ?? 'unknown'].join('|');
}
