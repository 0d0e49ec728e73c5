import { spawn } from 'node:child_process';
import { WardenError, messageOf } from './errors.ts';

export interface RunOptions {
  /** Absolute path of the program. No shell is ever involved. */
  readonly file: string;
  readonly args: readonly string[];
  /** The whole process group is killed after this long. */
  readonly timeoutMs: number;
  /** More output than this, on either stream, kills the group. Default 1 MiB. */
  readonly maxOutputBytes?: number;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const DEFAULT_MAX_OUTPUT_BYTES = 1024 * 1024;

/**
 * Runs a program to its end: argument array, deadline, output cap, own process group that is killed as a whole.
 * @throws WardenError `tool-failed` when it cannot start, is too slow or prints too much; `aborted` by `signal`.
 * A non-zero exit code is a result, not an error.
 */
export async function runProcess(options: RunOptions): Promise<RunResult> {
  const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
  const cap = options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
  const child = spawn(options.file, [...options.args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
  });
  let failure: WardenError | undefined;
  const stop = (error: WardenError): void => {
    failure ??= error;
    killGroup(child.pid);
  };
  const timer = setTimeout(() => {
    stop(new WardenError('tool-failed', `${options.file} did not finish in ${String(options.timeoutMs)} ms`));
  }, options.timeoutMs);
  const onAbort = (): void => {
    stop(new WardenError('aborted', `${options.file} was stopped`));
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted === true) onAbort();
  const tooMuch = (): void => {
    stop(new WardenError('tool-failed', `${options.file} printed more than ${String(cap)} bytes`));
  };
  const stdout = collect(child.stdout, cap, tooMuch);
  const stderr = collect(child.stderr, cap, tooMuch);
  child.once('error', (error) => {
    failure ??= new WardenError('tool-failed', `${options.file} could not be run: ${messageOf(error)}`, {
      cause: error,
    });
    if (child.pid === undefined) finish(null);
  });
  child.once('close', finish);
  function finish(exitCode: number | null): void {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
    if (failure !== undefined) reject(failure);
    else resolve({ exitCode, stdout: stdout(), stderr: stderr() });
  }
  return await promise;
}

function collect(stream: NodeJS.ReadableStream, cap: number, tooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  stream.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > cap) tooMuch();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}
