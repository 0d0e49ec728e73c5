import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** One after the other: benches that share the machine measure each other. */
const BENCHES = ['verify', 'backup', 'tail'] as const;

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !BENCHES.some((bench) => bench === name));
if (unknown.length > 0) {
  process.stderr.write(`wanted some of ${BENCHES.join(', ')}; got ${unknown.join(', ')}\n`);
  process.exit(2);
}

for (const name of chosen.length === 0 ? BENCHES : chosen) {
  process.stdout.write(`\n== ${name}\n`);
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [file], { stdio: 'inherit' });
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  if (exitCode !== 0) process.exitCode = 1;
}
