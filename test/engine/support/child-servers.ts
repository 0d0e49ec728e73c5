import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** How a server process ended. */
export interface ServerExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One running process and the promise of its end. */
export interface ServerProcess {
  readonly pid: number;
  readonly exit: Promise<ServerExit>;
  /** The end, once it is known. */
  ended(): ServerExit | undefined;
  kill(signal: NodeJS.Signals): void;
}

const living = new Set<ChildProcess>();
let guarded = false;

/**
 * Starts a server that cannot outlive this process: it is killed by its exact pid when this process exits or gets a
 * signal, and by the kernel (parent-death signal) should this process be killed outright.
 */
export function spawnServer(program: string, args: readonly string[], stderrPath: string): ServerProcess {
  guardOnce();
  const stderr = openSync(stderrPath, 'a');
  const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], {
    stdio: ['ignore', stderr, stderr],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
  });
  closeSync(stderr);
  living.add(child);
  const { promise: exit, resolve } = Promise.withResolvers<ServerExit>();
  let end: ServerExit | undefined;
  const finish = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
    living.delete(child);
    end = { exitCode, signal };
    resolve(end);
  };
  child.once('exit', finish);
  child.once('error', () => {
    finish(null, null);
  });
  return { pid: child.pid ?? -1, exit, ended: () => end, kill: (signal) => void child.kill(signal) };
}

function guardOnce(): void {
  if (guarded) return;
  guarded = true;
  process.once('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      killAll();
      // Our listener is gone by now: the signal takes its ordinary effect, unless somebody else listens.
      process.kill(process.pid, signal);
    });
  }
}

function killAll(): void {
  for (const child of living) child.kill('SIGKILL');
}
