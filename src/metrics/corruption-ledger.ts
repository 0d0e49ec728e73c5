import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readFileIfPresent, writeFileDurably } from '../lib/durable-file.ts';
import { WardenError, messageOf } from '../lib/errors.ts';
import { KeyedMutex } from '../lib/keyed-mutex.ts';
import { DATABASES, type Database } from '../ovsdb/database.ts';
import { PROBLEM_KINDS, type ProblemKind } from '../ovsdb/file-report.ts';

const FILE_NAME = 'corruption-counts.json';

const countsSchema = z.partialRecord(z.enum(PROBLEM_KINDS), z.int().min(0));
const entrySchema = z.strictObject({ lastSeenMs: z.int().min(0), counts: countsSchema });
const fileSchema = z.strictObject({ version: z.literal(1), nb: entrySchema, sb: entrySchema });

interface Entry {
  /** Wall time; 0 when never. */
  lastSeenMs: number;
  readonly counts: Map<ProblemKind, number>;
}

export interface CorruptionLedger {
  count(database: Database, kind: ProblemKind): number;
  lastSeenMs(database: Database): number;
  /** Counts one more. Visible at once; resolves when it would outlive a power cut. */
  record(database: Database, kind: ProblemKind, atMs: number): Promise<void>;
}

/**
 * How much corruption was ever found on this host, in one small file that outlives the agent: an alert on damage must
 * not be silenced by a restart. A file that cannot be understood is told through `onProblem` (`state-corrupt`) and set
 * aside, and counting starts from zero.
 */
export async function openCorruptionLedger(
  stateDir: string,
  onProblem: (error: WardenError) => void,
): Promise<CorruptionLedger> {
  const path = join(stateDir, FILE_NAME);
  const entries = await readEntries(path, onProblem);
  const mutex = new KeyedMutex();
  return {
    count: (database, kind) => entries[database].counts.get(kind) ?? 0,
    lastSeenMs: (database) => entries[database].lastSeenMs,
    async record(database, kind, atMs) {
      const { counts } = entries[database];
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      entries[database].lastSeenMs = Math.round(atMs);
      await mutex.run(path, () => writeFileDurably(path, serialize(entries)));
    },
  };
}

async function readEntries(
  path: string,
  onProblem: (error: WardenError) => void,
): Promise<Record<Database, Entry>> {
  const entries = { nb: emptyEntry(), sb: emptyEntry() };
  const text = await readFileIfPresent(path);
  if (text === undefined) return entries;
  try {
    const stored = fileSchema.parse(JSON.parse(text));
    for (const database of DATABASES) entries[database] = restored(stored[database]);
  } catch (error) {
    const aside = `${path}.corrupt-${String(Date.now())}`;
    await rename(path, aside);
    const message = `${path} cannot be understood; it was moved to ${aside}, and counts of corruption start from zero`;
    onProblem(
      new WardenError('state-corrupt', message, { cause: error, details: { reason: messageOf(error) } }),
    );
  }
  return entries;
}

function emptyEntry(): Entry {
  return { lastSeenMs: 0, counts: new Map() };
}

function restored(stored: z.infer<typeof entrySchema>): Entry {
  const counts = new Map<ProblemKind, number>();
  for (const kind of PROBLEM_KINDS) counts.set(kind, stored.counts[kind] ?? 0);
  return { lastSeenMs: stored.lastSeenMs, counts };
}

function serialize(entries: Readonly<Record<Database, Entry>>): string {
  const plain = ({ lastSeenMs, counts }: Entry) => ({ lastSeenMs, counts: Object.fromEntries(counts) });
  return `${JSON.stringify({ version: 1, nb: plain(entries.nb), sb: plain(entries.sb) })}\n`;
}
