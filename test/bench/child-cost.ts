import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** What one run of a program cost. */
export interface ChildCost {
  readonly wallMs: number;
  /** User and system time of all its threads. */
  readonly cpuMs: number;
  readonly peakRssBytes: number;
}

const SAMPLE_MS = 4;
const TICK_MS = 10; // USER_HZ is 100 on every architecture that Linux gives out through /proc

/**
 * Runs a program to its end. The kernel keeps the peak of its memory (`VmHWM`) and its processor time as counters that
 * only grow; they are read every few milliseconds, so only what happens in the last of them is missed.
 * @throws Error when it exits with anything but 0.
 */
export async function costOf(file: string, args: readonly string[]): Promise<ChildCost> {
  const begin = performance.now();
  const child = spawn(file, [...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  let last = { cpuMs: 0, peakRssBytes: 0 };
  const timer = setInterval(() => {
    last = sample(child.pid ?? 0) ?? last;
  }, SAMPLE_MS);
  try {
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    if (exitCode !== 0) throw new Error(`${file} ${args.join(' ')} exited with ${String(exitCode)}`);
    return { wallMs: performance.now() - begin, ...last };
  } finally {
    clearInterval(timer);
  }
}

function sample(pid: number): { cpuMs: number; peakRssBytes: number } | null {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'latin1'))?.[1];
    if (kilobytes === undefined) return null;
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
    // proc(5): utime and stime are fields 14 and 15; the second field, the name, may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { cpuMs: ticks * TICK_MS, peakRssBytes: Number(kilobytes) * 1024 };
  } catch {
    return null; // it has just ended
  }
}
