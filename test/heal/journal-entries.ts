import type { JournalEntry } from '../../src/heal/journal.ts';

/** A whole entry without its number. */
export function entryOf(change: Partial<JournalEntry> = {}): Omit<JournalEntry, 'sequence'> {
  return {
    at: '2026-11-24T03:00:00.000Z',
    healId: 'heal-1',
    database: 'nb',
    node: 'n3',
    remedy: 'compact',
    step: 'closed',
    outcome: 'healed',
    detail: 'as it should be',
    facts: { guards: 'x'.repeat(500) },
    ...change,
  };
}
