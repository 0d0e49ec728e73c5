import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The checkout that these tests are part of. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  /** The whole environment; the tests' own when left out. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end, whatever its exit code; a program that cannot start at all rejects. */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
  const child = execFile(
    file,
    [...args],
    { ...options, timeout: 120_000, maxBuffer: 16 * 1024 * 1024 },
    (error, stdout, stderr) => {
      if (error !== null && typeof error.code === 'string') reject(error);
      else resolve({ exitCode: child.exitCode, stdout, stderr });
    },
  );
  return await promise;
}
