import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { isoTime } from '../lib/clock.ts';
import { WardenError, systemCodeOf } from '../lib/errors.ts';
import type { Database } from '../ovsdb/database.ts';
import { addItem, confirmItem } from './catalogue.ts';
import type { Copies } from './copies.ts';
import { type CopiedFile, type CopyDraft, type CopyItem, databaseSha256 } from './copy-item.ts';
import {
  type CopySourceOptions,
  type SourceCopy,
  copySource,
  copyStableSource,
  unreadable,
} from './copy-source.ts';
import { withDeadline } from './deadline.ts';
import { putObject, stagingPath } from './object-store.ts';
import { namingFullDisk, requireRoom } from './room.ts';
import { type VerifyCopy, judgementOf, unknownJudgement } from './verify-copy.ts';

export interface PreserveRequest {
  readonly database: Database;
  /** Name of this host. */
  readonly node: string;
  /** The database file; what lies beside it is found by its name. */
  readonly file: string;
  readonly reason: string;
  /** A running server may append while its file is copied; without one the file must rest. */
  readonly serverRunning: boolean;
  readonly verify: VerifyCopy;
  readonly tools: Readonly<Record<string, string>>;
  readonly minFreeBytes: number;
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  readonly limits?: PreserveLimits;
}

/** Bounds for the `.backup-*` siblings, which a start script in a crash loop adds without end; newest first. */
export interface PreserveLimits {
  readonly maxSiblings: number;
  readonly maxSiblingBytes: number;
}

export interface Preserved {
  readonly item: CopyItem;
  /** Of the database file as it was copied; null when there was none to copy. */
  readonly dbSha256: string | null;
}

interface Source {
  readonly role: CopiedFile['role'];
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

interface Sources {
  readonly chosen: readonly Source[];
  readonly skipped: readonly string[];
}

const DEFAULT_LIMITS: PreserveLimits = { maxSiblings: 32, maxSiblingBytes: 4 * 1_073_741_824 };

/**
 * Copies a database file, its `.hdr` and its `.backup*` siblings aside, byte for byte and as one unit, before
 * anything is done to them. Damage is no obstacle: it is noted in the verdict. When the newest preserved copy of this
 * file has the same bytes, that one is confirmed instead.
 * @throws WardenError `file-unreadable` (nothing there, or it keeps changing), `no-space`, `aborted`, `state-corrupt`.
 */
export async function preserve(copies: Copies, request: PreserveRequest): Promise<Preserved> {
  const what = `the copy of ${request.file} that is to be preserved`;
  const staged: string[] = [];
  return await namingFullDisk(copies.layout.root, () =>
    withDeadline({ what, deadlineMs: request.deadlineMs, signal: request.signal }, async (signal) => {
      try {
        return await preserveStaged(copies, request, staged, signal);
      } finally {
        for (const path of staged) await rm(path, { force: true });
      }
    }),
  );
}

async function preserveStaged(
  copies: Copies,
  request: PreserveRequest,
  staged: string[],
  signal: AbortSignal,
): Promise<Preserved> {
  const { chosen, skipped } = await findSources(request.file, request.limits ?? DEFAULT_LIMITS);
  const totalBytes = chosen.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  await requireRoom(copies.layout.root, 2 * totalBytes, request.minFreeBytes);
  const sources: SourceCopy[] = [];
  for (const source of chosen) {
    const toPath = stagingPath(copies.layout);
    staged.push(toPath);
    sources.push(await copyOne(source, toPath, request, signal));
  }
  const draft = await draftOf(request, sources, skipped, signal);
  const item = await copies.exclusive(async () => {
    for (const source of sources) await requireSameBytes(copies, source, signal);
    return await addOrConfirm(copies, draft);
  });
  return { item, dbSha256: databaseSha256(item) };
}

/** Database first, then `.hdr`, then the newest siblings within the limits. */
async function findSources(file: string, limits: PreserveLimits): Promise<Sources> {
  const hdr = file.endsWith('.db') ? `${file.slice(0, -'.db'.length)}.hdr` : `${file}.hdr`;
  const chosen = [await sourceAt('db', file), await sourceAt('hdr', hdr)].filter(
    (source) => source !== undefined,
  );
  const skipped: string[] = [];
  let siblings = 0;
  let siblingBytes = 0;
  for (const sibling of await findSiblings(dirname(file), basename(file))) {
    if (siblings >= limits.maxSiblings || siblingBytes + sibling.sizeBytes > limits.maxSiblingBytes) {
      skipped.push(basename(sibling.path));
      continue;
    }
    siblings += 1;
    siblingBytes += sibling.sizeBytes;
    chosen.push(sibling);
  }
  if (chosen.length === 0) {
    throw new WardenError('file-unreadable', `wanted ${file} or a file that belongs to it, got none`);
  }
  return { chosen, skipped };
}

/**
 * `FILE.backup-<epoch>-<hex>` of Kube-OVN's start script, and `FILE.backup<version>-<checksum>` of ovn-ctl.
 * Newest first.
 */
async function findSiblings(directory: string, name: string): Promise<Source[]> {
  const found: Source[] = [];
  for (const entry of await namesIn(directory)) {
    if (!entry.startsWith(`${name}.backup`)) continue;
    const sibling = await sourceAt('sibling', join(directory, entry));
    if (sibling !== undefined) found.push(sibling);
  }
  return found.sort((a, b) => b.mtimeMs - a.mtimeMs || (a.path < b.path ? 1 : -1));
}

async function copyOne(
  source: Source,
  toPath: string,
  request: PreserveRequest,
  signal: AbortSignal,
): Promise<SourceCopy> {
  const { role, path } = source;
  const options: CopySourceOptions = { role, path, toPath, minFreeBytes: request.minFreeBytes, signal };
  if (source.role === 'db' && request.serverRunning) return await copySource(options);
  return await copyStableSource(options, request.clock);
}

async function requireSameBytes(copies: Copies, source: SourceCopy, signal: AbortSignal): Promise<void> {
  const { sha256 } = await putObject(copies.layout, source.path, signal);
  if (sha256 === source.file.sha256) return;
  const wanted = `wanted the stored copy of ${source.file.name} to have sha256 ${source.file.sha256}`;
  throw new WardenError('state-corrupt', `${wanted}, got ${sha256}`);
}

async function addOrConfirm(copies: Copies, draft: CopyDraft): Promise<CopyItem> {
  const { items } = await copies.read();
  const newest = items.findLast(
    (item) =>
      item.kind === 'preserved' &&
      item.database === draft.database &&
      item.node === draft.node &&
      item.source === draft.source,
  );
  if (newest === undefined || contentOf(newest.files) !== contentOf(draft.files)) {
    return await addItem(copies.layout.items, draft);
  }
  return await confirmItem(copies.layout.items, newest, draft.takenAt);
}

function contentOf(files: readonly CopiedFile[]): string {
  return files
    .map((file) => `${file.sha256} ${file.name}`)
    .sort()
    .join('\n');
}

async function draftOf(
  request: PreserveRequest,
  sources: readonly SourceCopy[],
  skipped: readonly string[],
  signal: AbortSignal,
): Promise<CopyDraft> {
  const at = isoTime(request.clock.nowMs());
  return {
    kind: 'preserved',
    database: request.database,
    node: request.node,
    takenAt: at,
    confirmedAt: at,
    reason: request.reason,
    source: request.file,
    files: sources.map((source) => source.file),
    ...(await judge(request, sources, signal)),
    trimmedBytes: 0,
    skipped: [...skipped],
    tools: { ...request.tools },
  };
}

/** That a copy cannot be verified must not keep it from being preserved. */
async function judge(request: PreserveRequest, sources: readonly SourceCopy[], signal: AbortSignal) {
  const db = sources.find((source) => source.file.role === 'db');
  if (db === undefined) return unknownJudgement(`there is no file ${request.file}`);
  try {
    return judgementOf((await request.verify(db.path, signal)).report);
  } catch (error) {
    signal.throwIfAborted();
    return unknownJudgement(error);
  }
}

/** The file as it is now; undefined when it is absent. What is no regular file counts only in the database's place. */
async function sourceAt(role: Source['role'], path: string): Promise<Source | undefined> {
  try {
    const stats = await stat(path);
    if (!stats.isFile() && role !== 'db') return undefined;
    return { role, path, sizeBytes: stats.size, mtimeMs: stats.mtimeMs };
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw unreadable(path, error);
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    throw unreadable(directory, error);
  }
}
