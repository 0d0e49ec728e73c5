/**
 * `verify` against `ovsdb-tool check-cluster` on the same files, in turns; and a look at 1 MB that was appended to a
 * file of 300 MB against reading all of it. Not a test.
 * Run: node test/bench/verify.ts, after a build. BENCH_ROUNDS and BENCH_MEGABYTES change the sizes.
 */
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderTable } from '../../src/cli/render/table.ts';
import { LiveFileVerifier } from '../../src/ovsdb/live-file-verifier.ts';
import { type ChildCost, costOf } from './child-cost.ts';
import { type FileShape, nextRecords, writeClusteredFile } from './clustered-file.ts';

/** One comparison: theirs divided by ours is how many times better ours is. */
export interface BenchRow {
  readonly name: string;
  readonly ours: number;
  readonly theirs: number;
  readonly unit: 'ms' | 'MB';
}

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
const WANTED_BYTES = Number(process.env['BENCH_MEGABYTES'] ?? 80) * 1_000_000;
const LIVE_BYTES = 300_000_000;
const APPENDED_BYTES = 1_000_000;
const OVSDB_TOOL = '/usr/bin/ovsdb-tool';
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** Everything, in a directory of its own that is removed at the end. */
export async function run(): Promise<BenchRow[]> {
  if (!existsSync(CLI)) throw new Error(`${CLI} is missing; please run 'make build'`);
  const dir = await mkdtemp(join(tmpdir(), 'warden-bench-'));
  try {
    return [
      ...(await compare(dir, 'log', WANTED_BYTES)),
      ...(await compare(dir, 'compacted', WANTED_BYTES * 0.75)),
      ...(await followLiveFile(dir)),
    ];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function compare(dir: string, shape: FileShape, wantedBytes: number): Promise<BenchRow[]> {
  const file = join(dir, `${shape}.db`);
  await writeClusteredFile(file, shape, wantedBytes);
  const ours: ChildCost[] = [];
  const theirs: ChildCost[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const mine = await costOf(process.execPath, [CLI, 'verify', file]);
    const other = await costOf(OVSDB_TOOL, ['check-cluster', file]);
    if (round === 0) continue; // the first one fills the page cache
    ours.push(mine);
    theirs.push(other);
  }
  const name = `${shape}, ${((await stat(file)).size / 1e6).toFixed(0)} MB`;
  const row = (what: string, unit: BenchRow['unit'], valueOf: (cost: ChildCost) => number): BenchRow => ({
    name: `${name}: ${what}`,
    ours: median(ours.map(valueOf)),
    theirs: median(theirs.map(valueOf)),
    unit,
  });
  return [
    row('wall', 'ms', ({ wallMs }) => wallMs),
    row('processor', 'ms', ({ cpuMs }) => cpuMs),
    row('peak memory', 'MB', ({ peakRssBytes }) => peakRssBytes / 1e6),
  ];
}

async function followLiveFile(dir: string): Promise<BenchRow[]> {
  const file = join(dir, 'live.db');
  let index = await writeClusteredFile(file, 'log', LIVE_BYTES);
  const verifier = new LiveFileVerifier(file);
  const fullMs: number[] = [];
  const incrementalMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    fullMs.push(
      await timed(async () => {
        await check(verifier, 'full', LIVE_BYTES);
      }),
    );
    const more: Buffer[] = [];
    for (let bytes = 0; bytes < APPENDED_BYTES; ) {
      index += 1;
      const records = nextRecords(index);
      bytes += records.length;
      more.push(records);
    }
    await appendFile(file, Buffer.concat(more));
    incrementalMs.push(
      await timed(async () => {
        await check(verifier, 'incremental', APPENDED_BYTES);
      }),
    );
  }
  await verifier.close();
  const [ours, theirs] = [median(incrementalMs), median(fullMs)];
  return [{ name: '1 MB appended to 300 MB: look at what is new, or at all', ours, theirs, unit: 'ms' }];
}

async function check(
  verifier: LiveFileVerifier,
  mode: 'full' | 'incremental',
  leastBytes: number,
): Promise<void> {
  const look = await verifier.check({ mode, writerAlive: true });
  const isAsked = look.report.ok && look.mode === mode && look.bytesRead >= leastBytes;
  if (!isAsked) throw new Error(`a ${mode} check read ${String(look.bytesRead)} bytes in mode ${look.mode}`);
}

async function timed(task: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await task();
  return performance.now() - begin;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await run();
  const cells = rows.map(({ name, ours, theirs, unit }) => [
    name,
    `${ours.toFixed(0)} ${unit}`,
    `${theirs.toFixed(0)} ${unit}`,
    (theirs / ours).toFixed(2),
  ]);
  process.stdout.write(renderTable(['', 'OVN-WARDEN', 'OTHER', 'RATIO'], cells));
}
