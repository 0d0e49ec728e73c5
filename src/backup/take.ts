import { rm, truncate } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';
import { isoTime } from '../lib/clock.ts';
import type { Database } from '../ovsdb/database.ts';
import { addItem, confirmItem } from './catalogue.ts';
import type { Copies } from './copies.ts';
import { type CopyItem, databaseSha256 } from './copy-item.ts';
import { type SourceCopy, copySource } from './copy-source.ts';
import { withDeadline } from './deadline.ts';
import { checkObject, digestFile, putObject, stagingPath } from './object-store.ts';
import { namingFullDisk } from './room.ts';
import { type Judgement, type VerifyCopy, judgementOf, unfinishedTailOffset } from './verify-copy.ts';

export interface TakeRequest {
  readonly database: Database;
  /** Name of this host. */
  readonly node: string;
  /** The live database file. */
  readonly file: string;
  /** For people, for example `schedule` or `asked for on the command line`. */
  readonly reason: string;
  readonly verify: VerifyCopy;
  /** Program name to version. */
  readonly tools: Readonly<Record<string, string>>;
  readonly minFreeBytes: number;
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface TakeResult {
  /** `confirmed`: the newest item already holds exactly these bytes, and now says so. */
  readonly outcome: 'stored' | 'confirmed';
  /** Its verdict may be `suspect`: then it counts as no backup. */
  readonly item: CopyItem;
}

interface JudgedCopy extends SourceCopy {
  readonly judgement: Judgement;
  readonly trimmedBytes: number;
}

const ATTEMPTS = 3;
const RETRY_MS = 200;

/**
 * Takes a backup of a live database file, past the server: its bytes up to the last whole record are copied,
 * verified, stored by content and read back; the manifest comes last.
 * @throws WardenError `file-unreadable`, `no-space`, `aborted`, `state-corrupt`. After any of them no item is visible.
 */
export async function takeBackup(copies: Copies, request: TakeRequest): Promise<TakeResult> {
  const what = `the backup of ${request.file}`;
  const staged = stagingPath(copies.layout);
  return await namingFullDisk(copies.layout.root, () =>
    withDeadline({ what, deadlineMs: request.deadlineMs, signal: request.signal }, async (signal) => {
      try {
        return await takeStaged(copies, request, staged, signal);
      } finally {
        await rm(staged, { force: true });
      }
    }),
  );
}

async function takeStaged(
  copies: Copies,
  request: TakeRequest,
  staged: string,
  signal: AbortSignal,
): Promise<TakeResult> {
  const copy = await copyAndJudge(copies, request, staged, signal);
  if ('outcome' in copy) return copy;
  return await copies.exclusive(async () => {
    await putObject(copies.layout, copy.path, signal);
    const same = await newestLike(copies, request, copy.judgement.verdict.state);
    if (same !== undefined && databaseSha256(same) === copy.file.sha256)
      return await confirm(copies, request, same);
    const item = await addItem(copies.layout.items, draftOf(request, copy));
    return { outcome: 'stored', item };
  });
}

/** Reads again when something is wrong: a live file may be in the middle of a write, or of a repair by its server. */
async function copyAndJudge(
  copies: Copies,
  request: TakeRequest,
  toPath: string,
  signal: AbortSignal,
): Promise<JudgedCopy | TakeResult> {
  const { file: path, minFreeBytes, verify, clock } = request;
  for (let attempt = 1; ; attempt += 1) {
    const copy = await copySource({ path, role: 'db', toPath, minFreeBytes, signal });
    const known = await confirmKnown(copies, request, copy.file.sha256, signal);
    if (known !== undefined) return known;
    const { report } = await verify(copy.path, signal);
    signal.throwIfAborted();
    if (report.ok) return { ...copy, judgement: judgementOf(report), trimmedBytes: 0 };
    if (attempt < ATTEMPTS) {
      await clock.sleep(RETRY_MS, signal);
      continue;
    }
    const tail = unfinishedTailOffset(report);
    if (tail === null) return { ...copy, judgement: judgementOf(report), trimmedBytes: 0 };
    return await trimmed(copy, tail, verify, signal);
  }
}

/** Bytes that were verified once need not be verified again, as long as the store still holds them. */
async function confirmKnown(
  copies: Copies,
  request: TakeRequest,
  sha256: string,
  signal: AbortSignal,
): Promise<TakeResult | undefined> {
  return await copies.exclusive(async () => {
    const newest = await newestLike(copies, request, 'verified');
    if (newest === undefined || databaseSha256(newest) !== sha256) return undefined;
    if ((await checkObject(copies.layout, sha256, signal)) !== 'sound') return undefined;
    return await confirm(copies, request, newest);
  });
}

/** Cuts the copy after its last whole record, and judges what is left: only verified bytes are ever stored as such. */
async function trimmed(
  copy: SourceCopy,
  atOffset: number,
  verify: VerifyCopy,
  signal: AbortSignal,
): Promise<JudgedCopy> {
  await truncate(copy.path, atOffset);
  const { report } = await verify(copy.path, signal);
  const { sha256, sizeBytes } = await digestFile(copy.path, signal);
  return {
    path: copy.path,
    file: { ...copy.file, sha256, sizeBytes },
    judgement: judgementOf(report),
    trimmedBytes: copy.file.sizeBytes - sizeBytes,
  };
}

async function newestLike(
  copies: Copies,
  request: TakeRequest,
  state: CopyItem['verdict']['state'],
): Promise<CopyItem | undefined> {
  const { items } = await copies.read();
  return items.findLast(
    (item) =>
      item.kind === 'backup' &&
      item.database === request.database &&
      item.node === request.node &&
      item.verdict.state === state,
  );
}

async function confirm(copies: Copies, request: TakeRequest, item: CopyItem): Promise<TakeResult> {
  const confirmed = await confirmItem(copies.layout.items, item, isoTime(request.clock.nowMs()));
  return { outcome: 'confirmed', item: confirmed };
}

function draftOf(request: TakeRequest, copy: JudgedCopy) {
  const at = isoTime(request.clock.nowMs());
  return {
    kind: 'backup' as const,
    database: request.database,
    node: request.node,
    takenAt: at,
    confirmedAt: at,
    reason: request.reason,
    source: request.file,
    files: [copy.file],
    ...copy.judgement,
    trimmedBytes: copy.trimmedBytes,
    skipped: [],
    tools: { ...request.tools },
  };
}
