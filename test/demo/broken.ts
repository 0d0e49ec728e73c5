import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BREAKABLE } from './step.ts';

/** Runs the demo once for every step that can be broken. Exit 0 only when each run fails and names that step. */

const DEMO = fileURLToPath(new URL('demo.ts', import.meta.url));
const RUN_TIMEOUT_MS = 240_000;
const SHOWN_CHARACTERS = 3_000;

const wanted = process.argv.slice(2);
const steps = Object.keys(BREAKABLE).filter((step) => wanted.length === 0 || wanted.includes(step));
let unnoticed = 0;

for (const step of steps) {
  // A failed demo leaves its files; here nobody will look at them.
  const temporary = mkdtempSync(join(tmpdir(), 'demo-broken-'));
  const { status, stdout } = spawnSync(process.execPath, [DEMO, '--break', step], {
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: RUN_TIMEOUT_MS,
  });
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
  const verdict = /FAILED at step "(\w+)".*/.exec(stdout);
  const isNoticed = status === 1 && verdict?.[1] === step;
  if (!isNoticed) unnoticed += 1;
  const said = isNoticed ? verdict[0] : `exit ${String(status)} after\n${stdout.slice(-SHOWN_CHARACTERS)}`;
  process.stdout.write(`${isNoticed ? 'noticed ' : 'MISSED  '}  --break ${step}: ${said}\n`);
}

process.stdout.write(
  unnoticed === 0
    ? `All ${String(steps.length)} broken runs failed at the step that was broken.\n`
    : `${String(unnoticed)} of ${String(steps.length)} broken runs were not noticed as they should be.\n`,
);
process.exitCode = unnoticed === 0 ? 0 : 1;
