import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CliIo } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/program.ts';
import { createSocketServer } from '../../src/http/socket-server.ts';
import type { StatusDocument } from '../../src/heal/status-document.ts';
import { exampleSources } from '../http/http-world.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process and collects what it prints. */
export async function cli(args: readonly string[], colour = false): Promise<CliRun> {
  let stdout = '';
  let stderr = '';
  const io: CliIo = {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    colour,
  };
  const exitCode = await runCli(args, io, () => Promise.reject(new Error('no test starts an agent')));
  return { exitCode, stdout, stderr };
}

/** A real agent's socket that serves this status; returns its path. */
export async function startStubAgent(t: TestContext, status: StatusDocument): Promise<string> {
  const path = join(await temporaryDirectory(t), 'agent.sock');
  const sources = exampleSources({ getStatus: () => status });
  const server = await createSocketServer({
    ...sources,
    path,
    takeBackups: (databases) => Promise.resolve({ databases }),
  });
  t.after(() => server.close(0));
  return path;
}
