// `ovn-warden verify` beside `ovsdb-tool check-cluster`, each in a process of its own: time and peak memory on a file of
// many records and on one with a single huge record. Then the check of 1 MB added to a big file beside a full one.
// BENCH_MEGABYTES (80), BENCH_ROUNDS (5). The command line is the built one in dist/, if it is there.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderTable } from '../../src/cli/render/table.ts';
import { LiveFileVerifier } from '../../src/ovsdb/live-file-verifier.ts';
import {
  type Cluster,
  type FileRecord,
  LedgerWriter,
  encodeRecord,
  listRecords,
  startCluster,
} from '../engine/support/index.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
const WANTED_BYTES = Number(process.env['BENCH_MEGABYTES'] ?? 80) * 1_000_000;
const BIG_BYTES = 300_000_000;
const ADDED_BYTES = 1_000_000;
const BUILT = join(import.meta.dirname, '../../dist/cli.js');
const CLI =
  process.env['BENCH_CLI'] ?? (existsSync(BUILT) ? BUILT : join(import.meta.dirname, '../../src/cli.ts'));
const TOOL = '/usr/bin/ovsdb-tool';

interface Measured {
  readonly wallMs: number;
  readonly peakMb: number;
}

/** What a real server wrote: its snapshot, and one entry of the kind that clients write all the time. */
interface Shapes {
  readonly header: FileRecord['body'];
  readonly entry: FileRecord['body'];
  readonly lastIndex: number;
  readonly bytes: readonly FileRecord[];
}

async function realShapes(cluster: Cluster): Promise<Shapes> {
  const ledger = new LedgerWriter(cluster, { paddingBytes: 300 });
  await ledger.write(5);
  await ledger.stop();
  await cluster.stopAll();
  const bytes = listRecords(cluster.member(0).paths.file);
  const header = bytes[0]?.body ?? {};
  const entry = bytes.findLast(({ body }) => 'data' in body)?.body ?? {};
  const lastIndex = Math.max(...bytes.map(({ body }) => Number(body['index'] ?? 0)));
  return { header, entry, lastIndex, bytes };
}

/** Entry and commit records in turn from `index` on, until there are so many bytes. */
function* moreRecords(shapes: Shapes, index: number, wantedBytes: number): Generator<Buffer> {
  for (let at = index, bytes = 0; bytes < wantedBytes; at += 1) {
    const both = Buffer.concat([
      encodeRecord({
        ...shapes.entry,
        index: at,
        eid: crypto.randomUUID(),
        data: [null, dataOf(shapes, at)],
      }),
      encodeRecord({ commit_index: at }),
    ]);
    bytes += both.length;
    yield both;
  }
}

/** The row of the real entry under another uuid and name. */
function dataOf({ entry }: Shapes, number: number): unknown {
  const [, data] = entry['data'] as [unknown, Record<string, unknown>];
  const [row] = Object.values(data['Logical_Switch'] as Record<string, Record<string, unknown>>);
  const name = `row-${String(number)}`;
  return { ...data, Logical_Switch: { [crypto.randomUUID()]: { ...row, name } } };
}

async function writeUncompacted(path: string, shapes: Shapes, wantedBytes: number): Promise<number> {
  const stream = createWriteStream(path);
  for (const { body } of shapes.bytes) stream.write(encodeRecord(body));
  let records = shapes.bytes.length;
  for (const both of moreRecords(shapes, shapes.lastIndex + 1, wantedBytes)) {
    records += 2;
    if (!stream.write(both)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'close');
  return records;
}

/** The same rows in one snapshot record, and a few entries behind it. */
async function writeCompacted(path: string, shapes: Shapes, rows: number): Promise<void> {
  const table: Record<string, unknown> = {};
  for (let number = 0; number < rows; number += 1) {
    const { Logical_Switch: one } = dataOf(shapes, number) as { Logical_Switch: Record<string, unknown> };
    Object.assign(table, one);
  }
  const schema = (shapes.header['prev_data'] as unknown[])[0];
  const snapshot = {
    ...shapes.header,
    prev_index: rows,
    prev_term: shapes.entry['term'],
    prev_eid: crypto.randomUUID(),
  };
  const stream = createWriteStream(path);
  stream.write(encodeRecord({ ...snapshot, prev_data: [schema, { Logical_Switch: table }] }));
  for (const both of moreRecords(shapes, rows + 1, 1000)) stream.write(both);
  stream.end();
  await once(stream, 'close');
}

/** Runs a program to its end. The kernel keeps the peak of its memory; it is asked for every few milliseconds. */
async function measure(program: string, args: readonly string[]): Promise<Measured> {
  const begin = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  let peakMb = 0;
  const timer = setInterval(() => {
    peakMb = Math.max(peakMb, peakMbOf(child.pid ?? 0));
  }, 4);
  const [exitCode] = await ended;
  clearInterval(timer);
  const wallMs = performance.now() - begin;
  if (exitCode !== 0) throw new Error(`${program} ${args.join(' ')} exited with ${String(exitCode)}`);
  return { wallMs, peakMb };
}

function peakMbOf(pid: number): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) / 1000;
  } catch {
    return 0; // it ended just now
  }
}

function median(rounds: readonly Measured[], key: keyof Measured): number {
  const sorted = rounds.map((round) => round[key]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

async function compare(what: string, path: string): Promise<void> {
  const ours: Measured[] = [];
  const theirs: Measured[] = [];
  await measure(TOOL, ['check-cluster', path]); // the file is in the page cache for both
  for (let round = 0; round < ROUNDS; round += 1) {
    ours.push(await measure(process.execPath, [CLI, 'verify', path]));
    theirs.push(await measure(TOOL, ['check-cluster', path]));
  }
  const row = (name: string, rounds: readonly Measured[]): string[] => [
    name,
    median(rounds, 'wallMs').toFixed(0),
    median(rounds, 'peakMb').toFixed(0),
  ];
  console.log(`\n${what}: ${((await stat(path)).size / 1e6).toFixed(1)} MB`);
  const table = [row('ovn-warden verify', ours), row('ovsdb-tool check-cluster', theirs)];
  process.stdout.write(renderTable(['', 'WALL MS', 'PEAK MB'], table));
  const ratio = (key: keyof Measured): string => (median(theirs, key) / median(ours, key)).toFixed(2);
  console.log(`check-cluster takes ${ratio('wallMs')} times our time, ${ratio('peakMb')} times our memory`);
}

async function compareIncremental(path: string, shapes: Shapes): Promise<void> {
  await writeUncompacted(path, shapes, BIG_BYTES);
  const verifier = new LiveFileVerifier(path);
  const full = await timed(verifier, 'full');
  let index = (full.lastIndex ?? 0) + 1;
  const incrementalMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const added = [...moreRecords(shapes, index, ADDED_BYTES)];
    index += added.length;
    appendFileSync(path, Buffer.concat(added));
    incrementalMs.push((await timed(verifier, 'incremental')).wallMs);
  }
  await verifier.close();
  const middle = incrementalMs.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? NaN;
  const size = `${String(BIG_BYTES / 1e6)} MB`;
  console.log(
    `\n${size}, in process: full ${full.wallMs.toFixed(0)} ms; after 1 MB more ${middle.toFixed(1)} ms`,
  );
  console.log(`a full check takes ${(full.wallMs / middle).toFixed(0)} times as long as an incremental one`);
}

async function timed(
  verifier: LiveFileVerifier,
  mode: 'full' | 'incremental',
): Promise<{ readonly wallMs: number; readonly lastIndex: number | null }> {
  const begin = performance.now();
  const look = await verifier.check({ mode, writerAlive: true });
  const wallMs = performance.now() - begin;
  if (!look.report.ok || look.mode !== mode) throw new Error(JSON.stringify(look.report.problems));
  return { wallMs, lastIndex: look.report.lastIndex };
}

const dir = await mkdtemp(join(tmpdir(), 'warden-bench-'));
const cluster = await startCluster({ database: 'nb', members: 1, dir });
try {
  const shapes = await realShapes(cluster);
  const [many, one] = [join(dir, 'many.db'), join(dir, 'one.db')];
  const records = await writeUncompacted(many, shapes, WANTED_BYTES);
  await writeCompacted(one, shapes, Math.floor(records / 2));
  console.log(`measured: ${CLI}; medians of ${String(ROUNDS)} rounds in turn`);
  await compare(`uncompacted, ${String(records)} records`, many);
  await compare('compacted, one snapshot record', one);
  await rm(many);
  await compareIncremental(join(dir, 'big.db'), shapes);
} finally {
  await cluster.dispose();
  await rm(dir, { recursive: true, force: true });
}
