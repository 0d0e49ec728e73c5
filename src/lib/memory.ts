import { readFile } from 'node:fs/promises';

/** Memory that can be taken without swapping: `MemAvailable` of `/proc/meminfo`; 0 when it cannot be read. */
export async function availableMemoryBytes(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kibibytes === undefined ? 0 : Number(kibibytes) * 1_024;
}
