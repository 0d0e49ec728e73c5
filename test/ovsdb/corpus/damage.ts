import type { ProblemKind } from '../../../src/ovsdb/file-report.ts';
import type { FileRecord } from '../../engine/support/index.ts';
import type { LogBytes } from './log-bytes.ts';

/** Which records a damage is done to: the first one too, only entries, and so on. `file`: no record at all. */
export type Target = 'any' | 'first' | 'entry' | 'commit' | 'term' | 'vote' | 'file';

export type Place = 'first' | 'early' | 'middle' | 'late' | 'whole';

/** One kind of damage. */
export interface Damage {
  readonly name: string;
  readonly target: Target;
  /** The damaged file; null where this damage makes no sense. */
  readonly apply: (log: LogBytes, record: FileRecord) => Buffer | null;
  /** One of these must be among the problems that are found; `sound` when there may be none. */
  readonly kinds: readonly (ProblemKind | 'sound')[];
}

export interface PlacedDamage {
  readonly name: string;
  readonly place: Place;
  readonly damage: Damage;
  readonly bytes: Buffer;
}

const FRACTIONS = { early: 0, middle: 0.5, late: 1 } as const;

/** Every damage at every place where it applies. */
export function placeDamages(damages: readonly Damage[], log: LogBytes): PlacedDamage[] {
  return damages.flatMap((damage) =>
    placesOf(damage.target, log).flatMap(({ place, record }) => {
      const bytes = damage.apply(log, record);
      if (bytes === null || bytes.equals(log.bytes)) return [];
      return [{ name: `${damage.name} @${place}`, place, damage, bytes }];
    }),
  );
}

function placesOf(target: Target, { records }: LogBytes): { place: Place; record: FileRecord }[] {
  const [first, ...rest] = records;
  if (first === undefined) throw new Error('a file without records');
  if (target === 'file') return [{ place: 'whole', record: first }];
  if (target === 'first') return [{ place: 'first', record: first }];
  const fitting = rest.filter((record) => target === 'any' || typeOf(record) === target);
  const spread = Object.entries(FRACTIONS).flatMap(([place, fraction]) => {
    const record = fitting[Math.round((fitting.length - 1) * fraction)];
    return record === undefined ? [] : [{ place: place as Place, record }];
  });
  return target === 'any' ? [{ place: 'first', record: first }, ...spread] : spread;
}

function typeOf({ body }: FileRecord): Target | 'other' {
  if ('commit_index' in body) return 'commit';
  if ('vote' in body) return 'vote';
  if ('leader' in body || 'note' in body) return 'other';
  return 'index' in body ? 'entry' : 'term';
}
