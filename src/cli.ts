import type { RunAgent } from './cli/agent-commands.ts';
import { runCli } from './cli/program.ts';

// A reader that has seen enough (`| head`) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}

// The agent's modules are loaded only by the command that runs it.
const runAgent: RunAgent = async (config) => {
  const main = await import('./main.ts');
  await main.runAgent(config);
};

const { stdout, stderr, env } = process;
const colour = stdout.isTTY && (env['NO_COLOR'] ?? '') === '';
process.exitCode = await runCli(process.argv.slice(2), { stdout, stderr, colour }, runAgent);
