// Backup of a live 80 MB database: this project's, which reads the file, beside `ovsdb-client backup`, which asks the
// server. A writer runs all the time; its latency is what a backup costs the cluster.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openCopies } from '../../src/backup/copies.ts';
import { takeBackup } from '../../src/backup/take.ts';
import { renderTable } from '../../src/cli/render/table.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { verifyFile } from '../../src/ovsdb/verify-file.ts';
import { type Cluster, type Member, OvsdbClient, startCluster } from '../engine/support/index.ts';
import { type LatencyWriter, startLatencyWriter } from './write-latency.ts';

interface Measured {
  readonly wallMs: number;
  readonly writes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
const WANTED_BYTES = Number(process.env['BENCH_MEGABYTES'] ?? 80) * 1_000_000;
const PADDING = 'x'.repeat(300);
const PARALLEL_WRITES = 64;
const IDLE_MS = 3_000;

/** One row a record, as OVN's clients write, until the file is as big as wanted. */
async function fill(member: Member): Promise<number> {
  const client = await OvsdbClient.connect(member.paths.remote);
  let rows = 0;
  while ((await stat(member.paths.file)).size < WANTED_BYTES) {
    const inserts = Array.from({ length: PARALLEL_WRITES }, () => {
      rows += 1;
      const row = { name: `row-${String(rows)}`, external_ids: ['map', [['padding', PADDING]]] };
      return client.transact(member.schemaName, { op: 'insert', table: 'Logical_Switch', row });
    });
    await Promise.all(inserts);
  }
  client.close();
  return rows;
}

async function measure(writer: LatencyWriter, task: () => Promise<void>): Promise<Measured> {
  await writer.take();
  const before = performance.now();
  await task();
  const wallMs = performance.now() - before;
  const latenciesMs = (await writer.take()).sort((a, b) => a - b);
  const at = (share: number): number => latenciesMs[Math.floor((latenciesMs.length - 1) * share)] ?? NaN;
  return { wallMs, writes: latenciesMs.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

async function clientBackup(member: Member, toPath: string): Promise<void> {
  const output = openSync(toPath, 'w');
  const args = ['-voff', '-t', '120', 'backup', `unix:${member.paths.remote}`, member.schemaName];
  const child = spawn('/usr/bin/ovsdb-client', args, { stdio: ['ignore', output, 'inherit'] });
  closeSync(output);
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  if (exitCode !== 0) throw new Error(`ovsdb-client backup exited with ${String(exitCode)}`);
}

async function ourBackup(stateDir: string, member: Member): Promise<void> {
  const copies = await openCopies(stateDir, (message) => {
    throw new Error(message);
  });
  const { outcome, item } = await takeBackup(copies, {
    database: 'nb',
    node: member.node,
    file: member.paths.file,
    reason: 'bench',
    verify: (path) => verifyFile(path),
    tools: {},
    minFreeBytes: 0,
    clock: systemClock,
    deadlineMs: 120_000,
  });
  if (outcome !== 'stored' || item.verdict.state !== 'verified')
    throw new Error(JSON.stringify(item.verdict));
}

function medianOf(rounds: readonly Measured[], key: keyof Measured): number {
  const sorted = rounds.map((round) => round[key]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function row(name: string, rounds: readonly Measured[]): string[] {
  const numbers = (['wallMs', 'writes', 'p50Ms', 'p99Ms', 'maxMs'] as const).map((key) =>
    medianOf(rounds, key),
  );
  return [name, ...numbers.map((value) => value.toFixed(value < 100 ? 2 : 0))];
}

async function run(cluster: Cluster, dir: string): Promise<void> {
  const member = cluster.member(0);
  const rows = await fill(member);
  const megabytes = (await stat(member.paths.file)).size / 1e6;
  console.log(
    `live database: ${megabytes.toFixed(1)} MB, ${String(rows)} rows; medians of ${String(ROUNDS)} rounds`,
  );
  const writer = startLatencyWriter({ remote: member.paths.remote, schemaName: member.schemaName });
  const idle: Measured[] = [];
  const ours: Measured[] = [];
  const theirs: Measured[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    idle.push(await measure(writer, () => delay(IDLE_MS)));
    ours.push(await measure(writer, () => ourBackup(join(dir, 'state'), member)));
    await delay(500);
    theirs.push(await measure(writer, () => clientBackup(member, join(dir, 'client-backup'))));
    await delay(500);
  }
  await writer.stop();
  const header = ['', 'WALL MS', 'WRITES', 'P50 MS', 'P99 MS', 'WORST MS'];
  const table = [row('no backup', idle), row('ovn-warden', ours), row('ovsdb-client backup', theirs)];
  process.stdout.write(renderTable(header, table));
  const ratio = (key: keyof Measured): string => (medianOf(theirs, key) / medianOf(ours, key)).toFixed(2);
  const line = `wall ${ratio('wallMs')}, p99 of a write ${ratio('p99Ms')}, worst write ${ratio('maxMs')}`;
  console.log(`ovsdb-client backup takes this many times ours: ${line}`);
}

const dir = await mkdtemp(join(tmpdir(), 'warden-bench-'));
const cluster = await startCluster({ database: 'nb', members: 1, dir });
try {
  await run(cluster, dir);
} finally {
  await cluster.dispose();
  await rm(dir, { recursive: true, force: true });
}
