import { COPY_KINDS, type CopyItem, type CopyKind } from '../backup/copy-item.ts';
import type { ListedObject } from '../backup/object-store.ts';

/**
 * Bytes on disk behind the copies of each kind. An object that copies of several kinds share counts for each of them,
 * because each of them alone would keep it there.
 */
export function holdings(
  items: readonly CopyItem[],
  objects: readonly ListedObject[],
): Record<CopyKind, number> {
  const storedBytes = new Map(objects.map((object) => [object.sha256, object.storedBytes]));
  const held: Record<CopyKind, number> = { backup: 0, preserved: 0, quarantine: 0 };
  for (const kind of COPY_KINDS) {
    const needed = new Set(
      items.filter((item) => item.kind === kind).flatMap(({ files }) => files.map(({ sha256 }) => sha256)),
    );
    for (const sha256 of needed) held[kind] += storedBytes.get(sha256) ?? 0;
  }
  return held;
}
