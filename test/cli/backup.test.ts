import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Copies } from '../../src/backup/copies.ts';
import { type CopyItem, databaseSha256 } from '../../src/backup/copy-item.ts';
import { objectPath } from '../../src/backup/object-store.ts';
import { addItem } from '../../src/backup/catalogue.ts';
import { preserve } from '../../src/backup/preserve.ts';
import { takeBackup } from '../../src/backup/take.ts';
import { backupCreateCommand, backupListCommand, backupVerifyCommand } from '../../src/cli/backup.ts';
import type { CliIo } from '../../src/cli/io.ts';
import { createSocketServer } from '../../src/http/socket-server.ts';
import { WardenError } from '../../src/lib/errors.ts';
import type { Database } from '../../src/ovsdb/database.ts';
import { SUSPECT, digest, exampleFile, exampleItem } from '../backup/example-item.ts';
import { createDatabase, openBench, preserveRequest, takeRequest } from '../backup/support.ts';
import { flipByte } from '../engine/support/index.ts';
import { exampleSources } from '../http/http-world.ts';
import { exampleConfig } from '../support/example-config.ts';
import { exampleStatusDocument } from '../support/example-status.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface Printed {
  stdout: string;
  stderr: string;
}

function collect(): CliIo & { readonly printed: Printed } {
  const printed = { stdout: '', stderr: '' };
  return {
    printed,
    stdout: { write: (text) => (printed.stdout += text) },
    stderr: { write: (text) => (printed.stderr += text) },
    colour: false,
  };
}

interface Store {
  readonly copies: Copies;
  readonly config: string;
  readonly backup: CopyItem;
  readonly preserved: CopyItem;
}

/** A state directory with one backup and one preserved, damaged file; and the configuration that names it. */
async function store(t: TestContext): Promise<Store> {
  const { copies, stateDir } = await openBench(t);
  const file = await createDatabase(await temporaryDirectory(t));
  const { item: backup } = await takeBackup(copies, takeRequest(file));
  flipByte(file, 500);
  const { item: preserved } = await preserve(
    copies,
    preserveRequest(file, { reason: 'before a compaction' }),
  );
  const config = join(stateDir, 'config.json');
  await writeFile(config, JSON.stringify({ ...exampleConfig(), stateDir, backup: { minFreeBytes: 0 } }));
  return { copies, config, backup, preserved };
}

/** An agent's socket that answers `backup create` with the given verdict. */
async function stubAgent(t: TestContext, verdict: CopyItem['verdict'], asked: Database[][]): Promise<string> {
  const path = join(await temporaryDirectory(t), 'agent.sock');
  const { id, files } = exampleItem(7);
  const server = await createSocketServer({
    ...exampleSources({ getStatus: exampleStatusDocument }),
    path,
    takeBackups: (databases) => {
      asked.push([...databases]);
      return Promise.resolve({
        backups: databases.map((database) => ({ database, outcome: 'stored', id, verdict, files })),
      });
    },
  });
  t.after(() => server.close(0));
  return path;
}

test('backup create asks the agent for one database, or for all that it watches', async (t) => {
  const asked: Database[][] = [];
  const socket = await stubAgent(t, { state: 'verified' }, asked);
  const io = collect();
  assert.equal(await backupCreateCommand('sb', { config: '/absent', socket, output: 'table' }, io), 0);
  assert.equal(
    await backupCreateCommand(undefined, { config: '/absent', socket, output: 'json' }, collect()),
    0,
  );
  assert.deepEqual(asked, [
    ['sb'],
    exampleStatusDocument().databases.map(({ diagnosis }) => diagnosis.database),
  ]);
  assert.match(
    io.printed.stdout,
    /^DATABASE +OUTCOME +VERDICT +SIZE +ID\nsb +stored +verified +1\.0 KiB +0000000007-backup-nb-00000000\n$/,
  );
});

test('backup create exits with 3 when what was stored is suspect', async (t) => {
  const socket = await stubAgent(t, SUSPECT, []);
  const io = collect();
  assert.equal(await backupCreateCommand('nb', { config: '/absent', socket, output: 'table' }, io), 3);
  assert.match(io.printed.stdout, /suspect: damaged-record/);
});

test('backup create without an agent is one clear error', async () => {
  const options = { config: '/absent', socket: '/absent/agent.sock', output: 'table' } as const;
  await assert.rejects(backupCreateCommand('nb', options, collect()), { code: 'agent-unreachable' });
});

test('backup list prints every copy, newest first, as a table and as one JSON document', async (t) => {
  const { config, backup, preserved } = await store(t);
  const table = collect();
  assert.equal(await backupListCommand({ config, output: 'table' }, table), 0);
  const lines = table.printed.stdout.trimEnd().split('\n');
  assert.equal(lines.length, 3);
  assert.match(
    lines[1] ?? '',
    new RegExp(`^preserved +nb +node-1 .* suspect: .*${preserved.id} +before a compaction$`),
  );
  assert.match(lines[2] ?? '', new RegExp(`^backup +nb +node-1 .* verified .*${backup.id}`));
  const json = collect();
  await backupListCommand({ config, output: 'json' }, json);
  assert.deepEqual(JSON.parse(json.printed.stdout), { items: [preserved, backup], corrupt: [] });
});

test('backup list names a manifest that cannot be read, and exits with 3', async (t) => {
  const { config, copies, backup } = await store(t);
  const path = join(copies.layout.items, `${backup.id}.json`);
  await writeFile(path, '{"half');
  const io = collect();
  assert.equal(await backupListCommand({ config, output: 'table' }, io), 3);
  assert.ok(io.printed.stderr.includes(path));
});

test('backup list where no agent ever ran is one clear error', async (t) => {
  const stateDir = await temporaryDirectory(t);
  const config = join(stateDir, 'config.json');
  await writeFile(config, JSON.stringify({ ...exampleConfig(), stateDir }));
  await assert.rejects(
    backupListCommand({ config, output: 'table' }, collect()),
    (error) =>
      error instanceof WardenError && error.code === 'file-unreadable' && error.message.includes(stateDir),
  );
});

test('backup verify reads everything back, leaves nothing behind, and is content with what is known', async (t) => {
  const { config, copies, backup, preserved } = await store(t);
  const io = collect();
  assert.equal(await backupVerifyCommand([], { config, output: 'json' }, io), 0);
  const { items } = JSON.parse(io.printed.stdout) as { items: { id: string; state: string }[] };
  assert.deepEqual(
    items.map(({ id, state }) => [id, state]),
    [
      [backup.id, 'sound'],
      [preserved.id, 'suspect'],
    ],
  );
  assert.deepEqual(await readdir(copies.layout.staging), []);
});

test('backup verify finds damaged and missing bytes', async (t) => {
  const { config, copies, backup } = await store(t);
  flipByte(objectPath(copies.layout, databaseSha256(backup) ?? ''), 900);
  const { version: _version, id: _id, sequence: _sequence, ...draft } = exampleItem(1);
  const gone = await addItem(copies.layout.items, { ...draft, files: [exampleFile(digest('e'))] });
  const io = collect();
  assert.equal(await backupVerifyCommand([backup.id, gone.id], { config, output: 'table' }, io), 3);
  assert.match(io.printed.stdout, new RegExp(`${backup.id} +damaged`));
  assert.match(io.printed.stdout, new RegExp(`${gone.id} +missing`));
});

test('backup verify does not believe a manifest that calls bad bytes verified', async (t) => {
  const { config, copies, preserved } = await store(t);
  const { version: _version, id: _id, sequence: _sequence, ...draft } = preserved;
  const lying = await addItem(copies.layout.items, { ...draft, verdict: { state: 'verified' } });
  const io = collect();
  assert.equal(await backupVerifyCommand([lying.id], { config, output: 'table' }, io), 3);
  assert.match(io.printed.stdout, new RegExp(`${lying.id} +not-verified`));
});

test('backup verify of an unknown id is an error of usage', async (t) => {
  const { config } = await store(t);
  await assert.rejects(
    backupVerifyCommand(['0000000009-backup-nb-00000000'], { config, output: 'table' }, collect()),
    {
      code: 'usage',
    },
  );
});
