/** Runs the benches one after the other; arguments choose some by name: `node test/bench/run.ts verify backup`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const BENCHES = ['verify', 'backup', 'tail'];

const chosen = process.argv.slice(2);
for (const name of chosen.length === 0 ? BENCHES : chosen) {
  console.log(`\n== ${name}`);
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`)], { stdio: 'inherit' });
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  if (exitCode !== 0) process.exitCode = 1;
}
