import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { type CatalogueContent, readCatalogue } from '../backup/catalogue.ts';
import { type CopiesLayout, copiesLayout } from '../backup/copies.ts';
import { type CopyItem, copyItemSchema } from '../backup/copy-item.ts';
import { checkObject, extractObject, stagingPath } from '../backup/object-store.ts';
import { namingFullDisk, requireRoom } from '../backup/room.ts';
import { loadConfig } from '../config/load.ts';
import { WardenError, systemCodeOf } from '../lib/errors.ts';
import { ageOf, humanAge } from '../lib/human-time.ts';
import { DATABASES, type Database } from '../ovsdb/database.ts';
import { verifyFile } from '../ovsdb/verify-file.ts';
import { askAgent, fetchStatus } from './agent-client.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type CliIo, type OutputFormat, printJson } from './io.ts';
import { type AgentOptions, findAgentSocket } from './options.ts';
import { printable } from './render/printable.ts';
import { renderTable } from './render/table.ts';

interface Printing {
  readonly output: OutputFormat;
}

interface StoreOptions {
  /** Path of the configuration file, which names the state directory. */
  readonly config: string;
}

/** How a stored item is, read again now. `suspect` is what its manifest says already; the last three are news. */
type CheckedState = 'sound' | 'suspect' | 'damaged' | 'missing' | 'not-verified';

interface CheckedItem {
  readonly id: string;
  readonly state: CheckedState;
  readonly detail: string;
}

const CREATE_TIMEOUT_MS = 900_000;

/** What the agent answers to `POST /api/v1/backup`. */
const answerSchema = z.object({
  backups: z.array(
    z.object({
      database: z.enum(DATABASES),
      outcome: z.enum(['stored', 'confirmed']),
      ...copyItemSchema.pick({ id: true, verdict: true, files: true }).shape,
    }),
  ),
});

/** `ovn-warden backup create [database]`: has the agent take a backup now. Exits with 3 when one of them is suspect. */
export async function backupCreateCommand(
  database: Database | undefined,
  options: AgentOptions & Printing,
  io: CliIo,
): Promise<ExitCode> {
  const socketPath = await findAgentSocket(options);
  const databases = database === undefined ? await databasesOf(socketPath) : [database];
  const question = { method: 'POST', path: '/api/v1/backup', timeoutMs: CREATE_TIMEOUT_MS } as const;
  const answer = await askAgent({ ...question, socketPath, body: { databases } }, answerSchema);
  if (options.output === 'json') printJson(io, answer);
  else
    io.stdout.write(
      renderTable(['DATABASE', 'OUTCOME', 'VERDICT', 'SIZE', 'ID'], answer.backups.map(createdRow)),
    );
  return answer.backups.every(({ verdict }) => verdict.state === 'verified') ? EXIT.ok : EXIT.found;
}

/** `ovn-warden backup list`: every copy on this host, newest first. Exits with 3 when a manifest cannot be read. */
export async function backupListCommand(
  options: StoreOptions & Printing,
  io: CliIo,
  nowMs = Date.now(),
): Promise<ExitCode> {
  const { layout } = await findStore(options);
  const content = await readStore(layout);
  const items = content.items.toReversed();
  if (options.output === 'json') printJson(io, { items, corrupt: content.corrupt });
  else
    io.stdout.write(
      renderTable(
        LIST_HEADER,
        items.map((item) => listRow(item, nowMs)),
      ),
    );
  return reportCorrupt(content, io);
}

/**
 * `ovn-warden backup verify [id…]`: reads stored bytes back, compares their digests, and verifies every database anew.
 * Exits with 3 when a copy is not what its manifest says.
 */
export async function backupVerifyCommand(
  ids: readonly string[],
  options: StoreOptions & Printing,
  io: CliIo,
): Promise<ExitCode> {
  const { layout, minFreeBytes } = await findStore(options);
  const content = await readStore(layout);
  const checked: CheckedItem[] = [];
  for (const item of chooseItems(content.items, ids))
    checked.push(await checkItem(layout, item, minFreeBytes));
  if (options.output === 'json') printJson(io, { items: checked, corrupt: content.corrupt });
  else
    io.stdout.write(
      renderTable(
        ['ID', 'STATE', 'DETAIL'],
        checked.map(({ id, state, detail }) => [id, state, detail]),
      ),
    );
  const exitCode = reportCorrupt(content, io);
  return checked.every(({ state }) => state === 'sound' || state === 'suspect') ? exitCode : EXIT.found;
}

async function databasesOf(socketPath: string): Promise<Database[]> {
  return (await fetchStatus(socketPath)).databases.map(({ diagnosis }) => diagnosis.database);
}

async function findStore(options: StoreOptions): Promise<{ layout: CopiesLayout; minFreeBytes: number }> {
  const { stateDir, backup } = await loadConfig(options.config);
  return { layout: copiesLayout(stateDir), minFreeBytes: backup.minFreeBytes };
}

async function readStore(layout: CopiesLayout): Promise<CatalogueContent> {
  try {
    return await readCatalogue(layout.items);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === undefined) throw error;
    throw new WardenError(
      'file-unreadable',
      `wanted the copies of this host in ${layout.root}, got ${code}`,
      {
        hint:
          code === 'ENOENT'
            ? 'no agent with this configuration has ever run here'
            : 'run this as the user of the agent',
        cause: error,
      },
    );
  }
}

function reportCorrupt(content: CatalogueContent, io: CliIo): ExitCode {
  for (const { path, message } of content.corrupt) {
    io.stderr.write(`ovn-warden: cannot read the manifest ${printable(path)}: ${printable(message)}\n`);
  }
  return content.corrupt.length === 0 ? EXIT.ok : EXIT.found;
}

function chooseItems(items: readonly CopyItem[], ids: readonly string[]): readonly CopyItem[] {
  if (ids.length === 0) return items;
  return ids.map((id) => {
    const item = items.find((candidate) => candidate.id === id);
    if (item !== undefined) return item;
    throw new WardenError('usage', `there is no copy ${id}`, {
      hint: '`ovn-warden backup list` prints all ids',
    });
  });
}

async function checkItem(layout: CopiesLayout, item: CopyItem, minFreeBytes: number): Promise<CheckedItem> {
  for (const { name, sha256 } of item.files) {
    const state = await checkObject(layout, sha256);
    if (state !== 'sound') return { id: item.id, state, detail: `${name}, object ${sha256}` };
  }
  if (item.verdict.state === 'suspect') {
    return { id: item.id, state: 'suspect', detail: printable(item.verdict.problems[0]?.detail ?? '-') };
  }
  const problem = await namingFullDisk(layout.root, () => firstProblem(layout, item, minFreeBytes));
  return problem === undefined
    ? { id: item.id, state: 'sound', detail: '-' }
    : { id: item.id, state: 'not-verified', detail: printable(problem) };
}

/** What the verifier says against the stored database; undefined when it is sound. */
async function firstProblem(
  layout: CopiesLayout,
  item: CopyItem,
  minFreeBytes: number,
): Promise<string | undefined> {
  const db = item.files.find(({ role }) => role === 'db');
  if (db === undefined) return 'a verified copy without a database file';
  await requireRoom(layout.staging, db.sizeBytes, minFreeBytes);
  const path = stagingPath(layout);
  try {
    await extractObject(layout, db.sha256, path);
    const { report } = await verifyFile(path);
    return report.ok ? undefined : (report.problems[0]?.detail ?? 'not sound');
  } finally {
    await rm(path, { force: true });
  }
}

const LIST_HEADER = [
  'KIND',
  'DATABASE',
  'NODE',
  'TAKEN',
  'SIZE',
  'TERM',
  'COMMIT',
  'VERDICT',
  'ID',
  'REASON',
];

function listRow(item: CopyItem, nowMs: number): string[] {
  const { term, commitIndex } = item.position;
  return [
    item.kind,
    item.database,
    printable(item.node),
    humanAge(ageOf(item.takenAt, nowMs)),
    sizeOf(item.files),
    term === null ? '-' : String(term),
    commitIndex === null ? '-' : String(commitIndex),
    verdictOf(item.verdict),
    item.id,
    printable(item.reason),
  ];
}

function createdRow(backup: z.infer<typeof answerSchema>['backups'][number]): string[] {
  const { database, outcome, verdict, files, id } = backup;
  return [database, outcome, verdictOf(verdict), sizeOf(files), id];
}

function verdictOf(verdict: CopyItem['verdict']): string {
  return verdict.state === 'verified'
    ? 'verified'
    : `suspect: ${printable(verdict.problems[0]?.kind ?? '-')}`;
}

function sizeOf(files: CopyItem['files']): string {
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return sizeBytes < 1_048_576
    ? `${(sizeBytes / 1024).toFixed(1)} KiB`
    : `${(sizeBytes / 1_048_576).toFixed(1)} MiB`;
}
