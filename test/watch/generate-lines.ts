/**
 * Makes real server lines for signatures: damages real database files, gives them to a real ovsdb-server and keeps
 * what it printed. Not a test. Run by hand, as root (a small tmpfs is mounted to fill a disk), when a signature is added:
 *
 *   node test/watch/generate-lines.ts SCHEMA_DIRECTORY > test/fixtures/generated-lines.txt
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runProcess } from '../../src/lib/run-process.ts';

const PORT = 26_643;
const OTHER_SID = '5c631e1c-962e-4ae9-bc41-6c562e9e005a';

/** One JSON record of a clustered file, header line not included. */
type Body = Record<string, unknown> | unknown[];

interface Member {
  readonly folder: string;
  readonly file: string;
  readonly log: string;
  readonly control: string;
  readonly socket: string;
}

interface RunningServer {
  readonly child: ChildProcess;
  readonly stderr: () => string;
}

interface Scene {
  readonly name: string;
  /** Changes the records of a sound file of one member, term 2, that names the switch `s1`. */
  readonly damage: (records: Body[], serverId: string) => (Body | string)[];
  /** Changes the bytes of the file made from these records. */
  readonly edit?: (content: string) => string;
}

const append =
  (...added: Body[]) =>
  (records: Body[]): Body[] => [...records, ...added];

const first =
  (change: (header: Record<string, unknown>) => Body | string) =>
  (records: Body[]): (Body | string)[] => [
    change(records[0] as Record<string, unknown>),
    ...records.slice(1),
  ];

function appendEntry(data: unknown): (records: Body[]) => Body[] {
  return (records) => {
    const index = lastIndex(records) + 1;
    const entry = { eid: '11111111-2222-4333-8444-555555555555', data, term: 2, index };
    return [...records, entry, { commit_index: index }];
  };
}

const ROW = '11111111-2222-4333-8444-555555555556';
const SCENES: readonly Scene[] = [
  { name: 'vote-for-old-term', damage: (r, sid) => [...r, { term: 1, vote: sid }] },
  { name: 'vote-changed', damage: append({ term: 2, vote: OTHER_SID }) },
  { name: 'term-regressed', damage: (r) => [...r, { term: 1, index: lastIndex(r) + 1 }] },
  { name: 'not-a-member', damage: (r) => appendServers(r) },
  { name: 'wrong-name', damage: first((header) => ({ ...header, name: 'OVN_Southbound' })) },
  { name: 'bad-header', damage: first(({ name, cluster_id }) => ({ name, cluster_id })) },
  { name: 'first-record-not-json', damage: first(() => 'this is no JSON\n') },
  { name: 'first-record-no-object', damage: first(() => [1]) },
  { name: 'later-record-not-json', damage: (r) => [...r, 'this is no JSON\n'] },
  { name: 'later-record-no-object', damage: append([1]) },
  { name: 'first-header-broken', damage: append(), edit: (content) => content.replace('\n', 'x\n') },
  { name: 'later-header-broken', damage: append(), edit: (content) => `${content}OVSDB CLUSTER\n` },
  {
    name: 'later-record-cut',
    damage: append(),
    edit: (content) => `${content}OVSDB CLUSTER 50 ${'0'.repeat(40)}\n{"term":`,
  },
  { name: 'invalid-commit-format', damage: appendEntry({ a: 1 }) },
  { name: 'unknown-column', damage: appendEntry([null, { Logical_Switch: { [ROW]: { nope: 'x' } } }]) },
  { name: 'row-not-object', damage: appendEntry([null, { Logical_Switch: { [ROW]: 7 } }]) },
  { name: 'unknown-table', damage: appendEntry([null, { Nope: { [ROW]: { name: 'x' } } }]) },
  { name: 'row-does-not-exist', damage: appendEntry([null, { Logical_Switch: { [ROW]: null } }]) },
  {
    name: 'data-without-schema',
    damage: first((header) => ({ ...header, prev_data: [null, (header['prev_data'] as unknown[])[1]] })),
  },
];

function lastIndex(records: readonly Body[]): number {
  return Math.max(0, ...records.map((record) => (record as { index?: number }).index ?? 0));
}

function appendServers(records: Body[]): Body[] {
  const index = lastIndex(records) + 1;
  return [
    ...records,
    { term: 2, index, servers: { [OTHER_SID]: 'tcp:127.0.0.1:26999' } },
    { commit_index: index },
  ];
}

function serialise(records: readonly (Body | string)[]): string {
  return records
    .map((record) => {
      const body = typeof record === 'string' ? record : `${JSON.stringify(record)}\n`;
      const sha1 = createHash('sha1').update(body).digest('hex');
      return `OVSDB CLUSTER ${String(Buffer.byteLength(body))} ${sha1}\n${body}`;
    })
    .join('');
}

function parse(content: string): Body[] {
  const lines = content.trimEnd().split('\n');
  return lines.filter((line) => !line.startsWith('OVSDB ')).map((line) => JSON.parse(line) as Body);
}

function memberIn(folder: string): Member {
  return {
    folder,
    file: join(folder, 'ovnnb_db.db'),
    log: join(folder, 'ovsdb-server-nb.log'),
    control: join(folder, 'nb.ctl'),
    socket: join(folder, 'nb.sock'),
  };
}

function start(member: Member, wrapper: readonly string[] = []): RunningServer {
  const command = [
    ...wrapper,
    '/usr/sbin/ovsdb-server',
    '-vconsole:off',
    '-vfile:info',
    `--log-file=${member.log}`,
    `--unixctl=${member.control}`,
    `--remote=punix:${member.socket}`,
    member.file,
  ];
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { child, stderr: () => text };
}

async function stop(server: RunningServer, member: Member): Promise<void> {
  if (server.child.exitCode !== null) return;
  const gone = once(server.child, 'exit');
  await tool('/usr/bin/ovs-appctl', '-t', member.control, 'exit');
  await Promise.race([gone, delay(3000)]);
  server.child.kill('SIGKILL');
}

async function tool(file: string, ...args: string[]): Promise<string> {
  const result = await runProcess({ file, args, timeoutMs: 10_000 });
  return result.stdout + result.stderr;
}

async function insertSwitch(member: Member, name: string): Promise<void> {
  const request = ['OVN_Northbound', { op: 'insert', table: 'Logical_Switch', row: { name } }];
  await tool(
    '/usr/bin/ovsdb-client',
    '--timeout=3',
    'transact',
    `unix:${member.socket}`,
    JSON.stringify(request),
  );
}

async function collect(name: string, member: Member, server: RunningServer): Promise<void> {
  const log = await readFile(member.log, 'utf8').catch(() => '');
  for (const [source, text] of [
    ['stderr', server.stderr()],
    ['log', log],
  ] as const) {
    for (const line of text.split('\n')) {
      if (line === '' || line.includes('|vlog|') || /^\/.*ovsdb-server/.test(line)) continue;
      print(name, source, line, member.folder);
    }
  }
  await rm(member.log, { force: true });
}

function print(name: string, source: string, line: string, folder: string): void {
  process.stdout.write(`${name}\t3.1.0 ${source}\t${line.replaceAll(folder, '/etc/ovn')}\n`);
}

/** Runs a server on the file as it is, for a moment, and prints what it said. */
async function play(
  name: string,
  member: Member,
  wrapper: readonly string[] = [],
  act?: () => Promise<void>,
): Promise<void> {
  const server = start(member, wrapper);
  await delay(700);
  await act?.();
  await stop(server, member);
  await collect(name, member, server);
}

async function soundFile(member: Member, schema: string): Promise<string> {
  await tool('/usr/bin/ovsdb-tool', 'create-cluster', member.file, schema, `tcp:127.0.0.1:${String(PORT)}`);
  for (const name of ['s1', 's2']) {
    const server = start(member);
    await delay(700);
    await insertSwitch(member, name);
    await stop(server, member);
    await rm(member.log, { force: true });
  }
  return await readFile(member.file, 'utf8');
}

async function playDamagedFiles(folder: string, content: string): Promise<void> {
  const serverId = (parse(content)[0] as { server_id: string }).server_id;
  for (const scene of SCENES) {
    const member = memberIn(join(folder, scene.name));
    await mkdir(member.folder);
    const damaged = serialise(scene.damage(parse(content), serverId));
    await writeFile(member.file, scene.edit?.(damaged) ?? damaged);
    for (const line of (await tool('/usr/bin/ovsdb-tool', 'check-cluster', member.file)).trim().split('\n')) {
      if (line !== '') print(scene.name, 'check-cluster', line, member.folder);
    }
    await play(scene.name, member);
  }
}

/** Everyday life, for the lines that must match nothing. */
async function playHealthy(folder: string, content: string): Promise<void> {
  const member = memberIn(join(folder, 'healthy'));
  await mkdir(member.folder);
  await writeFile(member.file, content);
  await play('healthy', member, [], async () => {
    await insertSwitch(member, 'advances commit index to 7 but last log index is 6');
    await tool('/usr/bin/ovs-appctl', '-t', member.control, 'ovsdb-server/compact');
    const broken = '["OVN_Northbound",{"op":"insert","table":"Logical_Switch","row":{"nope":"x"}}]';
    await tool('/usr/bin/ovsdb-client', '--timeout=3', 'transact', `unix:${member.socket}`, broken);
  });
}

async function playFailingFsync(folder: string, content: string): Promise<void> {
  const member = memberIn(join(folder, 'fsync'));
  await mkdir(member.folder);
  await writeFile(member.file, content);
  const inject = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'inject=fsync,fdatasync:error=EIO:when=1+'];
  await play('fsync-failed', member, inject, async () => {
    await Promise.race([insertSwitch(member, 's3'), delay(1500)]);
  });
}

async function playFullDisk(folder: string, content: string): Promise<void> {
  const disk = join(folder, 'small');
  await mkdir(disk);
  await tool('/usr/bin/mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk);
  try {
    const member = { ...memberIn(disk), log: join(folder, 'small.log') };
    await writeFile(member.file, content);
    await writeFile(join(disk, 'filler'), Buffer.alloc(65_536)).catch(() => undefined);
    await play('full-disk', member, [], async () => {
      await insertSwitch(member, 'x'.repeat(9000));
      await tool('/usr/bin/ovs-appctl', '-t', member.control, 'ovsdb-server/compact');
    });
  } finally {
    await tool('/usr/bin/umount', disk);
  }
}

/** Two servers at one address, then a member whose peer was replaced by a server of another cluster. */
async function playNeighbours(folder: string, schema: string): Promise<void> {
  const address = (port: number): string => `tcp:127.0.0.1:${String(port)}`;
  const [a, b, stranger] = ['na', 'nb', 'nc'].map((name) => memberIn(join(folder, name))) as [
    Member,
    Member,
    Member,
  ];
  for (const member of [a, b, stranger]) await mkdir(member.folder);
  await tool('/usr/bin/ovsdb-tool', 'create-cluster', a.file, schema, address(PORT + 1));
  await tool(
    '/usr/bin/ovsdb-tool',
    'join-cluster',
    b.file,
    'OVN_Northbound',
    address(PORT + 2),
    address(PORT + 1),
  );
  await tool('/usr/bin/ovsdb-tool', 'create-cluster', stranger.file, schema, address(PORT + 2));
  const serverA = start(a);
  await delay(700);
  const serverB = start(b);
  await delay(1500);
  await play('address-in-use', stranger);
  await stop(serverB, b);
  await play('wrong-cluster', stranger, [], () => delay(4000));
  await collect('joined-member', b, serverB);
  await stop(serverA, a);
  await collect('member-beside-stranger', a, serverA);
}

async function main(schemaFolder: string): Promise<void> {
  const schema = join(schemaFolder, 'ovn-nb.ovsschema');
  const folder = await mkdtemp(join(tmpdir(), 'generate-lines-'));
  const base = memberIn(join(folder, 'base'));
  await mkdir(base.folder);
  process.stdout.write(
    '# Lines of a real ovsdb-server 3.1.0, made by test/watch/generate-lines.ts: SCENE<TAB>SOURCE<TAB>LINE\n',
  );
  try {
    const content = await soundFile(base, schema);
    await playHealthy(folder, content);
    await playDamagedFiles(folder, content);
    await playFailingFsync(folder, content);
    await playFullDisk(folder, content);
    await playNeighbours(folder, schema);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await main(process.argv[2] ?? '.tools/ovn/usr/share/ovn');
