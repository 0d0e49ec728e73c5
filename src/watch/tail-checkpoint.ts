import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readFileIfPresent } from '../lib/durable-file.ts';
import { messageOf } from '../lib/errors.ts';
import type { TailLog } from './tail-options.ts';
import type { FileState } from './tail-state.ts';

/** Positions by path of the log. */
export type Positions = ReadonlyMap<string, FileState>;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);
const head = z.object({ lengthBytes: count.max(1024), sha256 });
const seen = z.object({ inode: z.string(), head });
const openLine = z.object({ offset: count, stamp: z.string().nullable(), text: z.string() });
const generation = seen.extend({
  id: z.string(),
  offset: count,
  skipping: z.boolean(),
  open: z.object({ stdout: openLine, stderr: openLine }).partial(),
  historicBytes: count,
  modifiedMs: z.number(),
});
const fileState = z.object({ generations: z.array(generation), seen: z.array(seen) });
const body = z.object({ version: z.literal(1), files: z.record(z.string(), fileState) });
const document = z.object({ sha256, body: z.string() });

/**
 * Reads the positions that {@link encodeCheckpoint} made. A missing file is an empty one. So is one that cannot be
 * trusted, after one warning: then every log is read from its start again, each line marked as historic, because a
 * line told twice as old news does no harm, and one that is new shows in the database file and in the next lines too.
 */
export async function readCheckpoint(path: string, log: TailLog): Promise<Positions> {
  try {
    const content = await readFileIfPresent(path);
    return content === undefined ? new Map() : parseCheckpoint(content);
  } catch (error) {
    log.warn(
      { path, error: messageOf(error) },
      'log positions cannot be trusted: all logs are read again, as historic',
    );
    return new Map();
  }
}

function parseCheckpoint(content: string): Positions {
  const stored = document.parse(JSON.parse(content));
  if (checksum(stored.body) !== stored.sha256) throw new TypeError('its checksum is wrong');
  const { files } = body.parse(JSON.parse(stored.body));
  // Zod's optional keys may be undefined in type, never in JSON.
  return new Map(Object.entries(files as Record<string, FileState>));
}

/** The content of a checkpoint, for a durable write. */
export function encodeCheckpoint(positions: Positions): string {
  const text = JSON.stringify({ version: 1, files: Object.fromEntries(positions) });
  return `${JSON.stringify({ sha256: checksum(text), body: text })}\n`;
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
