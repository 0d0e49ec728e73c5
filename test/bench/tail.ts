/**
 * Speed of `scan` against `grep -E` with the same needles, on the same log, side by side. Not a test.
 * Run: node test/bench/tail.ts [MEGABYTES]
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scanLogFile } from '../../src/watch/log-file.ts';
import { SIGNATURES } from '../../src/watch/signature-catalogue.ts';

const megabytes = Number(process.argv[2] ?? 200);
const folder = await mkdtemp(join(tmpdir(), 'bench-tail-'));
const path = join(folder, 'ovsdb-server-nb.log');
const sample = await readFile(
  join(import.meta.dirname, '../fixtures/kube-ovn/ahead-intact-member.ovsdb-server-nb.log'),
);
try {
  await writeFile(
    path,
    Buffer.concat(Array.from({ length: (megabytes * 1e6) / sample.length }, () => sample)),
  );
  const needles = [...new Set(SIGNATURES.flatMap((signature) => signature.needles))];
  for (let run = 1; run <= 3; run += 1) {
    const grepMs = time(() => execFileSync('grep', ['-c', '-F', '-e', needles.join('\n'), path]));
    let findings = 0;
    const begin = performance.now();
    const lines = await scanLogFile(path, () => {
      findings += 1;
    });
    const scanMs = performance.now() - begin;
    process.stdout.write(
      `run ${String(run)}: ${String(megabytes)} MB, ${String(lines)} lines, ${String(findings)} findings: ` +
        `scan ${scanMs.toFixed(0)} ms (${((megabytes * 1000) / scanMs).toFixed(0)} MB/s), ` +
        `grep -F ${grepMs.toFixed(0)} ms, ratio ${(scanMs / grepMs).toFixed(2)}\n`,
    );
  }
} finally {
  await rm(folder, { recursive: true });
}

function time(task: () => void): number {
  const begin = performance.now();
  task();
  return performance.now() - begin;
}
