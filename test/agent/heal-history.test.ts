import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compactionHistory, healDocuments } from '../../src/agent/heal-history.ts';
import type { JournalEntry } from '../../src/heal/journal.ts';
import { entryOf } from '../heal/journal-entries.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse('2026-11-24T12:00:00.000Z');

function entry(sequence: number, change: Partial<JournalEntry>): JournalEntry {
  return { ...entryOf(change), sequence };
}

function hoursAgo(hours: number): string {
  return new Date(NOW_MS - hours * HOUR_MS).toISOString();
}

test('only the moments at which a server was asked count, for one database and one day', () => {
  const entries = [
    entry(0, { step: 'compacting', at: hoursAgo(25) }),
    entry(1, { step: 'compacting', at: hoursAgo(23) }),
    entry(2, { step: 'compacted', at: hoursAgo(22) }),
    entry(3, { step: 'compacting', at: hoursAgo(5) }),
    entry(4, { step: 'compacting', at: hoursAgo(1), database: 'sb' }),
    entry(5, { step: 'planned', at: hoursAgo(0) }),
  ];
  assert.deepEqual(compactionHistory(entries, 'nb', NOW_MS), { sinceLastMs: 5 * HOUR_MS, lastDay: 2 });
  assert.deepEqual(compactionHistory(entries, 'sb', NOW_MS), { sinceLastMs: HOUR_MS, lastDay: 1 });
  assert.deepEqual(compactionHistory([], 'nb', NOW_MS), { sinceLastMs: null, lastDay: 0 });
});

test('a clock that went back makes what lies in the future just now', () => {
  const entries = [entry(0, { step: 'compacting', at: hoursAgo(-48) })];
  assert.deepEqual(compactionHistory(entries, 'nb', NOW_MS), { sinceLastMs: 0, lastDay: 1 });
});

test('a time that cannot be read is no reason to act again', () => {
  const entries = [entry(0, { step: 'compacting', at: 'yesterday' })];
  assert.deepEqual(compactionHistory(entries, 'nb', NOW_MS), { sinceLastMs: 0, lastDay: 1 });
});

test('each heal is shown once, with its beginning and its last word, the newest twenty of them', () => {
  const entries = Array.from({ length: 25 }, (_, number) => {
    const healId = `heal-${String(number)}`;
    return [
      entry(2 * number, { healId, step: 'planned', outcome: 'running', at: hoursAgo(50 - number) }),
      entry(2 * number + 1, { healId, step: 'closed', outcome: 'healed', at: hoursAgo(25 - number) }),
    ];
  }).flat();
  const documents = healDocuments(entries);
  assert.deepEqual(
    documents.map(({ healId }) => healId),
    Array.from({ length: 20 }, (_, number) => `heal-${String(number + 5)}`),
  );
  assert.deepEqual(documents[0], {
    healId: 'heal-5',
    database: 'nb',
    node: 'n3',
    remedy: 'compact',
    startedAt: hoursAgo(45),
    step: 'closed',
    outcome: 'healed',
    detail: 'as it should be',
  });
});
