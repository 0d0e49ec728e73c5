import {
  appendFile,
  copyFile,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Times of files come in ticks; two rotations within one tick happen only to a test. */
const TICK_MS = 8;

/** A writer of one log, with the rotations that logrotate and the kubelet know. Every line is different. */
export class LogDisk {
  readonly path: string;
  /** Every whole line that was ever written. */
  readonly written: string[] = [];
  #begun = '';

  constructor(path: string) {
    this.path = path;
  }

  async append(lines: number): Promise<void> {
    for (let n = 0; n < lines; n += 1) await this.#add(`${this.#next()}\n`);
  }

  /** Half a line, whose rest comes with the next append. */
  async appendHalf(): Promise<void> {
    if (this.#begun === '') await this.#add(this.#next().slice(0, 9));
  }

  /** `create`: the log is renamed, and a new file is there at once. */
  async rotateByRename(): Promise<void> {
    await this.#finishLine();
    await this.#shift();
    await rename(this.path, `${this.path}.1`);
    await writeFile(this.path, '');
  }

  async rotateByRenameAndGzip(): Promise<void> {
    await this.rotateByRename();
    await this.#compress(`${this.path}.1`);
  }

  async rotateByCopyAndTruncate(): Promise<void> {
    await this.#finishLine();
    await this.#shift();
    await copyFile(this.path, `${this.path}.1`);
    await truncate(this.path, 0);
  }

  async deleteAndRecreate(): Promise<void> {
    await this.#finishLine();
    await delay(TICK_MS);
    await rm(this.path);
    await writeFile(this.path, '');
  }

  async finish(): Promise<void> {
    await this.#finishLine();
  }

  #next(): string {
    return `2026-11-23T00:00:00.000Z|${String(this.written.length + 1).padStart(5, '0')}|raft|INFO|a line`;
  }

  async #add(text: string): Promise<void> {
    const line = this.#begun === '' ? text : `${this.#next().slice(this.#begun.length)}\n`;
    const whole = this.#begun + line;
    await appendFile(this.path, line);
    this.#begun = whole.endsWith('\n') ? '' : whole;
    if (this.#begun === '') this.written.push(whole.trimEnd());
  }

  async #finishLine(): Promise<void> {
    if (this.#begun !== '') await this.#add('');
  }

  async #shift(): Promise<void> {
    await delay(TICK_MS);
    const base = `${basename(this.path)}.`;
    const names = (await readdir(dirname(this.path))).filter((name) => name.startsWith(base));
    const numbers = names.map((name) => /\.(\d+)(\.gz)?$/.exec(name)).filter((match) => match !== null);
    for (const [, number = '', gz = ''] of numbers.sort((a, b) => Number(b[1]) - Number(a[1]))) {
      await rename(`${this.path}.${number}${gz}`, `${this.path}.${String(Number(number) + 1)}${gz}`);
    }
  }

  /** As gzip does: the time of the original stays, the original goes last. */
  async #compress(path: string): Promise<void> {
    const { atime, mtime } = await stat(path);
    await writeFile(`${path}.gz`, gzipSync(await readFile(path)));
    await utimes(`${path}.gz`, atime, mtime);
    await rm(path);
  }
}

export async function withFolder<T>(task: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'ovn-warden-logs-'));
  try {
    return await task(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
