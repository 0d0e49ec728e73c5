import { rename } from 'node:fs/promises';
import { z } from 'zod';
import { markStandingSchema } from '../diagnose/evidence-schema.ts';
import type { MarkBook } from '../diagnose/mark-book.ts';
import { readFileIfPresent, writeFileDurably } from '../lib/durable-file.ts';
import { WardenError } from '../lib/errors.ts';

const fileSchema = z.strictObject({ version: z.literal(1), marks: z.array(markStandingSchema).max(4_096) });

/** Keeps the marks of one database on disk: what was once committed must be known after any crash of the agent. */
export class MarkStore {
  readonly #path: string;
  #written = '';

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Reads the marks. A file that cannot be understood is set aside, never overwritten, and reported through
   * `onCorrupt`; the marks then come back from the siblings, which hold copies.
   */
  async load(onCorrupt: (error: WardenError) => void): Promise<MarkBook> {
    const text = await readFileIfPresent(this.#path);
    if (text === undefined) return [];
    const parsed = fileSchema.safeParse(parse(text));
    if (parsed.success) {
      this.#written = text;
      return parsed.data.marks;
    }
    const aside = `${this.#path}.corrupt-${String(Date.now())}`;
    await rename(this.#path, aside);
    onCorrupt(
      new WardenError('state-corrupt', `${this.#path} is not a list of marks; it was moved to ${aside}`),
    );
    return [];
  }

  /** Returns once the marks are on the disk; writes nothing when they have not changed. */
  async save(book: MarkBook): Promise<void> {
    const text = `${JSON.stringify({ version: 1, marks: book })}\n`;
    if (text === this.#written) return;
    await writeFileDurably(this.#path, text);
    this.#written = text;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
