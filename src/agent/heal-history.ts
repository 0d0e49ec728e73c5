import { type JournalEntry, newestByHeal } from '../heal/journal.ts';
import type { HealDocument } from '../heal/status-document.ts';
import { ageOf } from '../lib/human-time.ts';
import type { Database } from '../ovsdb/database.ts';

const DAY_MS = 86_400_000;

/** Heals shown in `status`. */
const SHOWN_HEALS = 20;

export interface CompactionHistory {
  /** Time since the server was last asked to compact; null when it never was. */
  readonly sinceLastMs: number | null;
  readonly lastDay: number;
}

/**
 * What the journal says of compactions of one database. A clock that went back counts as "just now", and so does a time
 * that cannot be read.
 */
export function compactionHistory(
  entries: readonly JournalEntry[],
  database: Database,
  nowMs: number,
): CompactionHistory {
  const agesMs = entries
    .filter((entry) => entry.database === database && entry.step === 'compacting')
    .map(({ at }) => ageOf(at, nowMs) ?? 0);
  return {
    sinceLastMs: agesMs.length === 0 ? null : Math.min(...agesMs),
    lastDay: agesMs.filter((ageMs) => ageMs < DAY_MS).length,
  };
}

/** The newest heals, oldest first, each with its last word. */
export function healDocuments(entries: readonly JournalEntry[]): readonly HealDocument[] {
  const firstAt = new Map<string, string>();
  for (const { healId, at } of entries) if (!firstAt.has(healId)) firstAt.set(healId, at);
  return [...newestByHeal(entries).values()].slice(-SHOWN_HEALS).map((entry) => ({
    healId: entry.healId,
    database: entry.database,
    node: entry.node,
    remedy: entry.remedy,
    startedAt: firstAt.get(entry.healId) ?? entry.at,
    step: entry.step,
    outcome: entry.outcome,
    detail: entry.detail,
  }));
}
