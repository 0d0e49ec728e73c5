import { randomBytes } from 'node:crypto';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fsyncDirectory, writeFileDurably } from '../lib/durable-file.ts';
import { WardenError, messageOf } from '../lib/errors.ts';
import { type CopyDraft, type CopyItem, copyItemSchema } from './copy-item.ts';

export interface CorruptManifest {
  readonly path: string;
  readonly message: string;
}

/** What the manifests on disk say, oldest first. There is no other record: the directory is the truth. */
export interface CatalogueContent {
  readonly items: readonly CopyItem[];
  readonly corrupt: readonly CorruptManifest[];
  /** Higher than the number of every manifest, readable or not. */
  readonly nextSequence: number;
}

const MAX_MANIFEST_BYTES = 1024 * 1024;
const MANIFEST_NAME = /^((\d{10})-(?:backup|preserved|quarantine)-(?:nb|sb)-[0-9a-f]{8})\.json$/;

/** Reads every manifest. One that cannot be read is reported beside the others; it never hides them. */
export async function readCatalogue(directory: string): Promise<CatalogueContent> {
  const items: CopyItem[] = [];
  const corrupt: CorruptManifest[] = [];
  let nextSequence = 1;
  for (const name of (await readdir(directory)).sort()) {
    const match = MANIFEST_NAME.exec(name);
    if (match?.[1] === undefined) continue;
    nextSequence = Math.max(nextSequence, Number(match[2]) + 1);
    const path = join(directory, name);
    try {
      items.push(await readManifest(path, match[1]));
    } catch (error) {
      corrupt.push({ path, message: messageOf(error) });
    }
  }
  items.sort((a, b) => a.sequence - b.sequence);
  return { items, corrupt, nextSequence };
}

/** Gives the item its number and name, and makes it visible, whole and durable. The caller holds the store's lock. */
export async function addItem(directory: string, draft: CopyDraft): Promise<CopyItem> {
  const { nextSequence: sequence } = await readCatalogue(directory);
  const number = String(sequence).padStart(10, '0');
  const id = `${number}-${draft.kind}-${draft.database}-${randomBytes(4).toString('hex')}`;
  const item: CopyItem = { version: 1, id, sequence, ...draft };
  await writeManifest(directory, item);
  return item;
}

/** Notes durably that the source held the same bytes at a later time. The caller holds the store's lock. */
export async function confirmItem(directory: string, item: CopyItem, confirmedAt: string): Promise<CopyItem> {
  const confirmed = { ...item, confirmedAt };
  await writeManifest(directory, confirmed);
  return confirmed;
}

/** Removes one manifest durably; its objects become surplus unless another item needs them. */
export async function removeItem(directory: string, id: string): Promise<void> {
  await rm(manifestPath(directory, id), { force: true });
  await fsyncDirectory(directory);
}

async function writeManifest(directory: string, item: CopyItem): Promise<void> {
  // Parsed first: nothing may be written that could not be read again.
  const text = `${JSON.stringify(copyItemSchema.parse(item), null, 2)}\n`;
  await writeFileDurably(manifestPath(directory, item.id), text);
}

function manifestPath(directory: string, id: string): string {
  const name = `${id}.json`;
  if (!MANIFEST_NAME.test(name)) {
    throw new WardenError('state-corrupt', `wanted the id of a copy, got ${JSON.stringify(id)}`);
  }
  return join(directory, name);
}

async function readManifest(path: string, id: string): Promise<CopyItem> {
  const parsed = copyItemSchema.safeParse(JSON.parse(await readSmallFile(path)));
  if (!parsed.success) throw new WardenError('state-corrupt', z.prettifyError(parsed.error));
  if (parsed.data.id !== id) {
    throw new WardenError('state-corrupt', `wanted the id ${id} as in its file name, got ${parsed.data.id}`);
  }
  return parsed.data;
}

async function readSmallFile(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    if (size > MAX_MANIFEST_BYTES) {
      const limit = String(MAX_MANIFEST_BYTES);
      throw new WardenError('state-corrupt', `wanted at most ${limit} bytes, got ${String(size)}`);
    }
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}
