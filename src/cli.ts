import type { RunAgent } from './cli/agent-commands.ts';
import { runCli } from './cli/program.ts';

// A reader that has seen enough (`| head`) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}

const LINGER_MS = 2_000;

// The agent's modules are loaded only by the command that runs it.
const runAgent: RunAgent = async (config) => {
  const main = await import('./main.ts');
  try {
    await main.runAgent(config);
  } finally {
    setTimeout(exitAnyway, LINGER_MS).unref();
  }
};

/** Every part had its deadline to stop; what still holds the process then must not keep a host from shutting down. */
function exitAnyway(): void {
  process.stderr.write('ovn-warden: something did not stop, so the process is ended\n');
  process.exit();
}

const { stdout, stderr, env } = process;
const colour = stdout.isTTY && (env['NO_COLOR'] ?? '') === '';
process.exitCode = await runCli(process.argv.slice(2), { stdout, stderr, colour }, runAgent);
