import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { fsyncDirectory, readFileIfPresent } from '../lib/durable-file.ts';
import { DATABASES } from '../ovsdb/database.ts';

/** Steps of a heal in their order; each is written down before its effect. */
export const HEAL_STEPS = [
  'planned', // a plan passed every guard that needs no sibling
  'turn-held', // every sibling keeps still
  'confirmed', // all guards passed again on evidence taken after the turn was held
  'compacting', // the server is about to be asked
  'compacted', // the server said done
  'verified', // the new file was read whole and agrees with what was there before
  'closed', // ended; `outcome` and `detail` say how
] as const;

export type HealStep = (typeof HEAL_STEPS)[number];

const entrySchema = z.object({
  sequence: z.int().min(0),
  at: z.string(),
  healId: z.string().min(1).max(64),
  database: z.enum(DATABASES),
  node: z.string(),
  remedy: z.enum(['compact', 'preserve', 'none']),
  step: z.enum(HEAL_STEPS),
  outcome: z.enum(['running', 'healed', 'refused', 'failed', 'abandoned']),
  detail: z.string(),
  facts: z.record(z.string(), z.unknown()),
});

export type JournalEntry = z.infer<typeof entrySchema>;

/** The journal is set aside (never deleted) and begun anew beyond this size. */
const MAX_JOURNAL_BYTES = 8 * 1024 * 1024;

/**
 * The append-only record of every act, one JSON object a line, fsynced before the act it announces. A crash can only
 * leave the last line incomplete; that line announced nothing that happened, because the act waits for the fsync.
 */
export class Journal {
  readonly #path: string;
  #handle: FileHandle;
  #entries: JournalEntry[];
  /** May the file end in the half of a line, because an append failed? */
  #mayBeTorn = false;

  private constructor(path: string, handle: FileHandle, entries: JournalEntry[]) {
    this.#path = path;
    this.#handle = handle;
    this.#entries = entries;
  }

  /** Opens the journal, mends a torn last line, and reports lines that cannot be read through `onBadLine`. */
  static async open(path: string, onBadLine: (lineNumber: number) => void): Promise<Journal> {
    const text = (await readFileIfPresent(path)) ?? '';
    const { entries, badLines } = parseJournal(text);
    for (const line of badLines) onBadLine(line);
    const handle = await open(path, 'a', 0o600);
    if (text.length > 0 && !text.endsWith('\n')) await handle.appendFile('\n');
    await handle.sync();
    await fsyncDirectory(dirname(path));
    return new Journal(path, handle, entries);
  }

  /** Oldest first. */
  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  /** The newest entry of each heal that has not been closed. */
  openHeals(): readonly JournalEntry[] {
    return [...newestByHeal(this.#entries).values()].filter(({ step }) => step !== 'closed');
  }

  /** Returns once the entry is on the disk. */
  async append(entry: Omit<JournalEntry, 'sequence'>): Promise<JournalEntry> {
    const numbered = { sequence: (this.#entries.at(-1)?.sequence ?? -1) + 1, ...entry };
    await this.#setAsideWhenLarge();
    const line = `${JSON.stringify(numbered)}\n`;
    const text = this.#mayBeTorn ? `\n${line}` : line;
    this.#mayBeTorn = true;
    await this.#handle.appendFile(text);
    await this.#handle.sync();
    this.#mayBeTorn = false;
    this.#entries.push(numbered);
    return numbered;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #setAsideWhenLarge(): Promise<void> {
    const { size } = await this.#handle.stat();
    if (size < MAX_JOURNAL_BYTES || this.openHeals().length > 0) return;
    await this.#handle.close();
    const sequence = String(this.#entries.at(-1)?.sequence ?? 0);
    await rename(this.#path, join(dirname(this.#path), `journal-until-${sequence}.jsonl`));
    this.#handle = await open(this.#path, 'a', 0o600);
    await fsyncDirectory(dirname(this.#path));
    this.#entries = this.#entries.slice(-MAX_REMEMBERED);
  }
}

/** Entries kept in memory after the file was set aside: enough for budgets and for `status`. */
const MAX_REMEMBERED = 1_000;

/** Reads a journal's text; lines that are not entries are named by their one-based numbers. */
export function parseJournal(text: string): { entries: JournalEntry[]; badLines: number[] } {
  const entries: JournalEntry[] = [];
  const badLines: number[] = [];
  for (const [position, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const entry = entrySchema.safeParse(parseLine(line));
    if (entry.success) entries.push(entry.data);
    else badLines.push(position + 1);
  }
  return { entries, badLines };
}

/** The last word on each heal, oldest heal first. */
export function newestByHeal(entries: readonly JournalEntry[]): Map<string, JournalEntry> {
  return new Map(entries.map((entry) => [entry.healId, entry]));
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
