import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CopyItem } from '../../src/backup/copy-item.ts';
import {
  type RetentionPlan,
  type RetentionPolicy,
  type RetentionSituation,
  planRetention,
} from '../../src/backup/retention.ts';
import { SUSPECT, digest, exampleFile, exampleItem } from './example-item.ts';

const DAY_MS = 86_400_000;
const POLICY: RetentionPolicy = { keepLast: 3, maxBytes: 1e9, minFreeBytes: 0, preservedKeepDays: 30 };
const NOW_MS = Date.UTC(2026, 5, 1);

function situation(
  items: readonly CopyItem[],
  changes: Partial<RetentionSituation> = {},
): RetentionSituation {
  const objectBytes = new Map(items.flatMap((item) => item.files.map((file) => [file.sha256, 100] as const)));
  return { objectBytes, freeBytes: 1e12, nowMs: NOW_MS, frozen: false, ...changes };
}

function backups(count: number, changes: Partial<CopyItem> = {}): CopyItem[] {
  return Array.from({ length: count }, (_, index) => exampleItem(index + 1, changes));
}

function removedSequences(plan: RetentionPlan): number[] {
  return plan.remove.map(({ id }) => Number(id.slice(0, 10)));
}

describe('planRetention', () => {
  it('keeps the last of each group and removes the ones before them', () => {
    const items = backups(6);
    const plan = planRetention(items, POLICY, situation(items));
    assert.deepEqual(removedSequences(plan), [1, 2, 3]);
    assert.deepEqual(
      plan.keep.map(({ reasons }) => reasons.length > 0),
      [true, true, true],
    );
    assert.equal(plan.missingBytes, 0);
  });

  it('counts databases, hosts, clusters and kinds apart', () => {
    const clusterTwo = { clusterId: 'cid-2', serverId: null, address: null };
    const items = [
      exampleItem(1),
      exampleItem(2, { database: 'sb' }),
      exampleItem(3, { node: 'node-2' }),
      exampleItem(4, { identity: clusterTwo }),
      exampleItem(5, { kind: 'preserved' }),
      ...[6, 7, 8].map((n) => exampleItem(n, { node: 'node-3' })),
    ];
    const plan = planRetention(items, { ...POLICY, keepLast: 1 }, situation(items));
    assert.deepEqual(removedSequences(plan), [6, 7]);
  });

  it('goes by sequence, so that a clock that jumps ahead and back pushes nothing out', () => {
    const future = new Date(NOW_MS + 365 * DAY_MS).toISOString();
    const items = backups(6).map((item) =>
      item.sequence === 2 || item.sequence === 3 ? { ...item, takenAt: future } : item,
    );
    const plan = planRetention(items, POLICY, situation(items));
    assert.deepEqual(removedSequences(plan), [1]);
    const kept = plan.keep.find(({ id }) => id.startsWith('0000000002'));
    assert.deepEqual(kept?.reasons, ['dated in the future']);
  });

  it('does not let suspect backups push out verified ones, not even when bytes are short', () => {
    const items = backups(9).map((item) => (item.sequence > 3 ? { ...item, verdict: SUSPECT } : item));
    const plan = planRetention(items, { ...POLICY, maxBytes: 400 }, situation(items));
    assert.deepEqual(removedSequences(plan).sort(), [4, 5, 6, 7, 8]);
  });

  it('keeps the copy that reaches furthest when newer ones of the same cluster hold less', () => {
    const position = { term: 9, lastIndex: 5, commitIndex: 4, eid: null };
    const items = [exampleItem(50), ...[51, 52, 53, 54].map((n) => exampleItem(n, { position }))];
    const plan = planRetention(items, { ...POLICY, keepLast: 1 }, situation(items));
    assert.deepEqual(removedSequences(plan), [51, 52, 53]);
  });

  it('keeps the last verified copy of a group under any shortage of bytes, behind newer suspect ones too', () => {
    const behind = { term: 1, lastIndex: 1, commitIndex: 0, eid: null };
    const items = [
      ...backups(2),
      exampleItem(3, { position: behind }),
      ...[4, 5].map((n) => exampleItem(n, { verdict: SUSPECT })),
    ];
    const plan = planRetention(items, { ...POLICY, maxBytes: 1 }, situation(items));
    assert.deepEqual(removedSequences(plan).sort(), [1, 4]);
    assert.deepEqual(plan.keep[1]?.reasons, ['last verified of its group']);
  });

  it('does not count a copy whose bytes are gone as the last verified one', () => {
    const items = backups(3);
    const objectBytes = new Map(items.slice(0, 2).map((item) => [item.files[0]?.sha256 ?? '', 100] as const));
    const plan = planRetention(items, { ...POLICY, keepLast: 1 }, situation(items, { objectBytes }));
    assert.deepEqual(removedSequences(plan), [1]);
  });

  it('keeps a preserved copy for its days, and no longer once others are newer', () => {
    const old = new Date(NOW_MS - 31 * DAY_MS).toISOString();
    const young = new Date(NOW_MS - 29 * DAY_MS).toISOString();
    const items = [old, young, young].map((confirmedAt, index) =>
      exampleItem(index + 1, { kind: 'preserved', confirmedAt, takenAt: confirmedAt, verdict: SUSPECT }),
    );
    const plan = planRetention(items, { ...POLICY, keepLast: 1, maxBytes: 1 }, situation(items));
    assert.deepEqual(removedSequences(plan), [1]);
    assert.equal(plan.missingBytes, 199);
  });

  it('never removes what was quarantined', () => {
    const items = backups(6, { kind: 'quarantine' });
    assert.deepEqual(planRetention(items, { ...POLICY, maxBytes: 1 }, situation(items)).remove, []);
  });

  it('removes oldest first until the free space is there again, and no more than that', () => {
    const items = backups(6);
    const policy = { ...POLICY, keepLast: 100, minFreeBytes: 1000 };
    const plan = planRetention(items, policy, situation(items, { freeBytes: 850 }));
    assert.deepEqual(removedSequences(plan), [1, 2]);
  });

  it('leaves an item whose going would free nothing', () => {
    const shared = [exampleFile(digest('a'))];
    const items = backups(5).map((item) => (item.sequence % 2 === 1 ? { ...item, files: shared } : item));
    const plan = planRetention(items, { ...POLICY, keepLast: 100, maxBytes: 200 }, situation(items));
    assert.deepEqual(removedSequences(plan), [2]);
    assert.equal(plan.missingBytes, 0, 'removing 2 leaves the shared bytes and those of 4');
  });

  it('removes nothing while frozen, and says so', () => {
    const items = backups(9);
    const plan = planRetention(items, { ...POLICY, maxBytes: 1 }, situation(items, { frozen: true }));
    assert.deepEqual(plan.remove, []);
    assert.ok(plan.keep.every(({ reasons }) => reasons.includes('retention is frozen')));
    assert.equal(plan.missingBytes, 899);
  });
});

const anyItem = fc.record({
  // Few groups, so that each has enough items for the rules to meet.
  kind: fc.constantFrom('backup' as const, 'backup' as const, 'preserved' as const, 'quarantine' as const),
  database: fc.constantFrom('nb' as const, 'nb' as const, 'nb' as const, 'sb' as const),
  node: fc.constantFrom('node-1', 'node-1', 'node-1', 'node-2'),
  clusterId: fc.constantFrom('cid-1', 'cid-1', 'cid-1', null),
  takenAtMs: fc.integer({ min: NOW_MS - 90 * DAY_MS, max: NOW_MS + 10 * DAY_MS }),
  suspect: fc.boolean(),
  commitIndex: fc.option(fc.integer({ min: 0, max: 20 })),
  digits: fc.uniqueArray(fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8'), {
    minLength: 1,
    maxLength: 3,
  }),
});

const anyItems = fc.array(anyItem, { maxLength: 40 }).map((drafts) =>
  drafts.map((draft, index) => {
    const at = new Date(draft.takenAtMs).toISOString();
    return exampleItem(index + 1, {
      kind: draft.kind,
      database: draft.database,
      node: draft.node,
      takenAt: at,
      confirmedAt: at,
      identity: { clusterId: draft.clusterId, serverId: null, address: null },
      position: { term: 1, lastIndex: null, commitIndex: draft.commitIndex, eid: null },
      verdict: draft.suspect ? SUSPECT : { state: 'verified' },
      files: draft.digits.map((digit) => exampleFile(digest(digit))),
    });
  }),
);

const anySituation = fc.record({
  objectBytes: fc
    .uniqueArray(fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8'), { minLength: 4 })
    .map((digits) => new Map(digits.map((digit) => [digest(digit), Number(digit) * 10]))),
  freeBytes: fc.integer({ min: 0, max: 300 }),
  nowMs: fc.constant(NOW_MS),
  frozen: fc.boolean(),
});

const anyPolicy = fc.record({
  keepLast: fc.integer({ min: 1, max: 5 }),
  maxBytes: fc.integer({ min: 1, max: 400 }),
  minFreeBytes: fc.integer({ min: 0, max: 300 }),
  preservedKeepDays: fc.integer({ min: 1, max: 60 }),
});

function forAnyPlan(
  check: (plan: RetentionPlan, items: CopyItem[], policy: RetentionPolicy, at: RetentionSituation) => void,
): void {
  fc.assert(
    fc.property(anyItems, anyPolicy, anySituation, (items, policy, at) => {
      check(planRetention(items, policy, at), items, policy, at);
    }),
    { numRuns: 2000 },
  );
}

function remaining(plan: RetentionPlan, items: readonly CopyItem[]): CopyItem[] {
  const kept = new Set(plan.keep.map(({ id }) => id));
  return items.filter((item) => kept.has(item.id));
}

function sound(items: readonly CopyItem[], at: RetentionSituation): CopyItem[] {
  return items.filter(
    (item) =>
      item.verdict.state === 'verified' && item.files.every((file) => at.objectBytes.has(file.sha256)),
  );
}

function groupKey(item: CopyItem): string {
  return JSON.stringify([item.kind, item.node, item.database, item.identity.clusterId]);
}

function newerAlike(items: readonly CopyItem[], id: string): number {
  const item = items.find((candidate) => candidate.id === id);
  if (item === undefined) throw new Error(`the plan names ${id}, which was not given`);
  const alike = items.filter(
    (other) => groupKey(other) === groupKey(item) && other.verdict.state === item.verdict.state,
  );
  return alike.filter((other) => other.sequence > item.sequence).length;
}

function distinctBytes(items: readonly CopyItem[], at: RetentionSituation): number {
  const digests = new Set(items.flatMap((item) => item.files.map((file) => file.sha256)));
  return [...digests].reduce((sum, sha256) => sum + (at.objectBytes.get(sha256) ?? 0), 0);
}

describe('any retention plan', () => {
  it('names every item once, with a reason', () => {
    forAnyPlan((plan, items) => {
      const named = [...plan.keep, ...plan.remove].map(({ id }) => id).sort();
      assert.deepEqual(named, items.map(({ id }) => id).sort());
      assert.ok(plan.keep.every(({ reasons }) => reasons.length > 0));
      assert.ok(plan.remove.every(({ reason }) => reason !== ''));
    });
  });

  it('leaves a verified copy, and one that reaches as far as any, in each group that had one', () => {
    forAnyPlan((plan, items, _policy, at) => {
      const before = Map.groupBy(sound(items, at), groupKey);
      const after = Map.groupBy(sound(remaining(plan, items), at), groupKey);
      for (const [key, group] of before) {
        assert.equal(
          after.get(key)?.at(-1)?.id,
          group.at(-1)?.id,
          'the newest verified copy of a group went',
        );
        const reach = (copies: CopyItem[]): number =>
          Math.max(...copies.map((c) => c.position.commitIndex ?? -1));
        assert.equal(reach(after.get(key) ?? []), reach(group));
      }
    });
  });

  it('removes nothing while frozen, nothing quarantined, never the newest, nothing preserved within its days', () => {
    forAnyPlan((plan, items, policy, at) => {
      const removed = new Set(plan.remove.map(({ id }) => id));
      if (at.frozen) assert.equal(removed.size, 0);
      assert.ok(!removed.has(items.at(-1)?.id ?? ''));
      for (const item of items.filter(({ id }) => removed.has(id))) {
        assert.notEqual(item.kind, 'quarantine');
        const ageMs = at.nowMs - Date.parse(item.takenAt);
        assert.ok(item.kind === 'backup' || ageMs >= policy.preservedKeepDays * DAY_MS);
      }
    });
  });

  it('removes an item only when it is beyond keepLast, or when the bytes were over a limit before it went', () => {
    forAnyPlan((plan, items, policy, at) => {
      const forBytes = plan.remove.filter(({ reason }) => reason.startsWith('over the limit'));
      for (const { id } of plan.remove.filter((removal) => !forBytes.includes(removal))) {
        assert.ok(newerAlike(items, id) >= policy.keepLast);
      }
      const last = forBytes.at(-1);
      if (last === undefined) return;
      const before = new Set([...plan.keep, last].map(({ id }) => id));
      const usedBytes = distinctBytes(
        items.filter(({ id }) => before.has(id)),
        at,
      );
      const freeBytes = at.freeBytes + distinctBytes(items, at) - usedBytes;
      assert.ok(usedBytes > policy.maxBytes || freeBytes < policy.minFreeBytes);
      assert.ok(distinctBytes(remaining(plan, items), at) < usedBytes, 'its going freed nothing');
    });
  });

  it('does not depend on the order in which items are given', () => {
    fc.assert(
      fc.property(anyItems, anyPolicy, anySituation, (items, policy, at) => {
        assert.deepEqual(planRetention(items.toReversed(), policy, at), planRetention(items, policy, at));
      }),
    );
  });
});
