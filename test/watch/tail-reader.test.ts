import assert from 'node:assert/strict';
import { appendFile, chmod, mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { Clock } from '../../src/lib/clock.ts';
import { zeroCounters, type TailBatch, type TailLine } from '../../src/watch/tail-options.ts';
import { TailReader } from '../../src/watch/tail-reader.ts';
import type { FileState } from '../../src/watch/tail-state.ts';
import { LogDisk, withFolder } from './log-disk.ts';

const LINGER_MS = 10_000;
/** Set TAIL_RUNS for a longer hunt; a failure prints its seed. */
const RUNS = Number(process.env['TAIL_RUNS'] ?? 60);

/** A reader that can be stopped, killed and started again, as an agent can. */
class Agent {
  readonly lines: TailLine[] = [];
  readonly counters = zeroCounters();
  refusing = false;
  #nowMs = 0;
  #stored: string | undefined;
  #reader: TailReader;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.#reader = this.#start();
  }

  get texts(): string[] {
    return this.lines.map(({ text }) => text);
  }

  /** Lines as a consumer sees them that drops ids it knows. */
  get processed(): string[] {
    return [...new Map(this.lines.map(({ id, text }) => [id, text])).values()];
  }

  async poll(): Promise<number> {
    return await this.#reader.poll();
  }

  /** Long enough for every rotated file to be finished. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      await this.poll();
      this.#nowMs += LINGER_MS;
    }
    await this.poll();
  }

  store(): void {
    this.#stored = this.#reader.state === undefined ? undefined : JSON.stringify(this.#reader.state);
  }

  async restart(): Promise<void> {
    this.store();
    await this.crash();
  }

  /** Everything since the last stored state is forgotten. */
  async crash(): Promise<void> {
    await this.#reader.close();
    this.#reader = this.#start();
  }

  #start(): TailReader {
    const clock: Clock = {
      nowMs: () => this.#nowMs,
      monotonicMs: () => this.#nowMs,
      sleep: () => Promise.resolve(),
    };
    return new TailReader({
      file: { path: this.#path, database: 'nb' },
      state: this.#stored === undefined ? undefined : (JSON.parse(this.#stored) as FileState),
      clock,
      log: { info: () => undefined, warn: () => undefined },
      counters: this.counters,
      lingerMs: LINGER_MS,
      onLines: (batch) => this.#take(batch),
      persist: () => {
        this.store();
        return Promise.resolve();
      },
    });
  }

  #take({ lines }: TailBatch): Promise<void> {
    if (this.refusing) return Promise.reject(new Error('not now'));
    this.lines.push(...lines);
    return Promise.resolve();
  }
}

async function withLog(task: (disk: LogDisk, agent: Agent, path: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const path = join(folder, 'x.log');
    const agent = new Agent(path);
    await writeFile(path, '');
    await agent.poll();
    agent.store();
    await task(new LogDisk(path), agent, path);
    await agent.restart();
  });
}

const ROTATIONS = ['rotateByRename', 'rotateByRenameAndGzip', 'rotateByCopyAndTruncate'] as const;

for (const rotate of ROTATIONS) {
  test(`a log is read to its end across ${rotate} while the agent runs`, async () => {
    await withLog(async (disk, agent) => {
      await disk.append(3);
      await agent.poll();
      await disk.append(2);
      await disk[rotate]();
      await disk.append(4);
      await agent.settle();
      assert.deepEqual(agent.texts, disk.written);
    });
  });

  test(`a log is read to its end across three times ${rotate} while the agent is down`, async () => {
    await withLog(async (disk, agent) => {
      await disk.append(3);
      await agent.poll();
      for (let n = 0; n < 3; n += 1) {
        await disk.append(2);
        await disk[rotate]();
      }
      await disk.append(1);
      await agent.restart();
      await agent.settle();
      assert.deepEqual(agent.texts, disk.written);
      assert.equal(agent.counters.lostGenerations, 0);
    });
  });
}

test('lines written to the old file after its rotation still come', async () => {
  await withLog(async (disk, agent, path) => {
    await disk.append(1);
    await agent.poll();
    await disk.rotateByRename();
    await appendFile(path, 'new file\n');
    await agent.poll();
    await appendFile(`${path}.1`, 'old file\n');
    await agent.poll();
    assert.deepEqual(agent.texts.slice(1), ['new file', 'old file']);
  });
});

test('a half line is held back until it is whole, and given out when its file is finished', async () => {
  await withLog(async (_disk, agent, path) => {
    await appendFile(path, 'whole\nha');
    await agent.poll();
    assert.deepEqual(agent.texts, ['whole']);
    await appendFile(path, 'lf\nrest');
    await agent.poll();
    assert.deepEqual(agent.texts, ['whole', 'half']);
    await rename(path, `${path}.1`);
    await writeFile(path, '');
    await agent.settle();
    assert.deepEqual(agent.texts, ['whole', 'half', 'rest']);
  });
});

test('lines that were there at first sight are historic, later ones are not, also after a restart', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'x.log');
    await writeFile(path, 'old 1\nold 2\n');
    const agent = new Agent(path);
    await agent.poll();
    await appendFile(path, 'new 1\n');
    await agent.restart();
    await agent.poll();
    assert.deepEqual(
      agent.lines.map(({ text, historic }) => [text, historic]),
      [
        ['old 1', true],
        ['old 2', true],
        ['new 1', false],
      ],
    );
    await agent.restart();
  });
});

test('rotated files from before the first sight are never read', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'x.log');
    await writeFile(`${path}.2.gz`, gzipSync('very old line of a log\n'));
    await writeFile(`${path}.1`, 'an old line of a log\n');
    await writeFile(path, '');
    const agent = new Agent(path);
    await agent.poll();
    const disk = new LogDisk(path);
    await disk.append(1);
    await disk.rotateByRenameAndGzip();
    await disk.append(1);
    await agent.settle();
    assert.deepEqual(agent.texts, disk.written);
    await agent.restart();
  });
});

test('a log that appears later is new from its first line on', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'late', 'x.log');
    const agent = new Agent(path);
    await agent.poll();
    await agent.restart();
    await mkdir(join(folder, 'late'));
    await writeFile(path, 'first\n');
    await agent.poll();
    assert.deepEqual(
      agent.lines.map(({ text, historic }) => [text, historic]),
      [['first', false]],
    );
    await agent.restart();
  });
});

test('a log that was truncated and grew past the old position is read from its start', async () => {
  await withLog(async (disk, agent, path) => {
    await disk.append(2);
    await agent.poll();
    await truncate(path, 0);
    await disk.append(5);
    await agent.settle();
    assert.deepEqual(agent.texts, disk.written);
  });
});

test('a deleted log is read to its end and then let go', async () => {
  await withLog(async (disk, agent, path) => {
    await disk.append(2);
    await agent.poll();
    await disk.append(2);
    await rm(path);
    await agent.settle();
    assert.deepEqual(agent.texts, disk.written);
    await writeFile(path, '');
    await disk.append(1);
    await agent.settle();
    assert.deepEqual(agent.texts, disk.written);
  });
});

test('a batch that was refused comes again, once', async () => {
  await withLog(async (disk, agent) => {
    await disk.append(2);
    agent.refusing = true;
    await assert.rejects(agent.poll(), /not now/);
    agent.refusing = false;
    await agent.poll();
    assert.deepEqual(agent.texts, disk.written);
  });
});

test('a gzip file that is still being written is taken up again when it is whole', async () => {
  await withLog(async (disk, agent, path) => {
    await disk.append(400);
    await agent.poll();
    await disk.append(400);
    const whole = gzipSync(disk.written.map((line) => `${line}\n`).join(''));
    await agent.restart();
    await writeFile(`${path}.1.gz`, whole.subarray(0, whole.length >> 1));
    await rm(path);
    await writeFile(path, '');
    await disk.append(1);
    await agent.poll();
    await writeFile(`${path}.1.gz`, whole);
    await agent.settle();
    assert.deepEqual([...agent.texts].sort(), disk.written);
  });
});

test('a line without end costs bounded memory, and the next line is whole again', async () => {
  await withLog(async (_disk, agent, path) => {
    for (let n = 0; n < 20; n += 1) {
      await appendFile(path, 'x'.repeat(50_000));
      await agent.poll();
    }
    await agent.restart();
    await appendFile(path, '\nnext\n');
    await agent.poll();
    assert.deepEqual(
      agent.texts.map((text) => text.length),
      [65_536, 4],
    );
  });
});

test('pieces of a container log line are joined, across a restart too', async () => {
  await withLog(async (_disk, agent, path) => {
    const stamp = '2026-11-23T19:36:13.912461006Z';
    await appendFile(path, `${stamp} stderr P ovsdb-\n${stamp} stdout F other\n`);
    await agent.poll();
    await agent.restart();
    await appendFile(path, `${stamp} stderr F tool: x\n`);
    await agent.poll();
    assert.deepEqual(agent.texts, ['other', 'ovsdb-tool: x']);
    assert.deepEqual(
      agent.lines.map((line) => line.stamp),
      [stamp, stamp],
    );
  });
});

test('a rotated file that is truncated holds nothing up', async () => {
  await withLog(async (disk, agent, path) => {
    await disk.append(3);
    await agent.poll();
    await disk.rotateByRename();
    await disk.append(1);
    await agent.poll();
    await writeFile(`${path}.1`, 'x'.repeat(5000));
    await disk.append(1);
    await agent.settle();
    assert.deepEqual(agent.texts, disk.written);
  });
});

test('the last line of a compressed file comes although it has no newline', async () => {
  await withLog(async (disk, agent, path) => {
    await disk.append(2);
    await agent.poll();
    await agent.restart();
    await rm(path);
    await writeFile(`${path}.1.gz`, gzipSync(`${disk.written.join('\n')}\nkilled in the mid`));
    await writeFile(path, '');
    await agent.poll();
    assert.deepEqual(agent.texts, [...disk.written, 'killed in the mid']);
    await rename(`${path}.1.gz`, `${path}.2.gz`);
    await agent.settle();
    assert.deepEqual(agent.texts, [...disk.written, 'killed in the mid']);
    assert.equal(agent.counters.readErrors, 0);
  });
});

test('a rotated file in a form that is not known is left alone', async () => {
  await withLog(async (disk, agent, path) => {
    await disk.append(1);
    await agent.poll();
    await rename(path, `${path}.1`);
    await writeFile(`${path}.2.xz`, 'not a line that anybody wrote\n');
    await writeFile(path, '');
    await disk.append(1);
    await agent.settle();
    assert.deepEqual(agent.texts, disk.written);
  });
});

test('a path that cannot be read is counted, and followed as soon as it can', async () => {
  await withLog(async (disk, agent, path) => {
    await rm(path);
    await mkdir(path);
    await agent.poll();
    assert.equal(agent.counters.readErrors, 1);
    await rm(path, { recursive: true });
    await writeFile(path, '');
    await chmod(path, 0o600);
    await disk.append(1);
    await agent.poll();
    assert.deepEqual(agent.texts, disk.written);
  });
});

type Act =
  | 'append'
  | 'half'
  | (typeof ROTATIONS)[number]
  | 'delete'
  | 'poll'
  | 'settle'
  | 'restart'
  | 'crash'
  | 'store';

async function play(acts: readonly Act[], disk: LogDisk, agent: Agent): Promise<void> {
  for (const act of acts) {
    if (act === 'append') await disk.append(3);
    else if (act === 'half') await disk.appendHalf();
    else if (act === 'delete') {
      // What is deleted before anybody opened it is gone for every reader.
      await disk.finish();
      await agent.poll();
      await disk.deleteAndRecreate();
    } else if (act === 'poll') await agent.poll();
    else if (act === 'settle') await agent.settle();
    else if (act === 'restart') await agent.restart();
    else if (act === 'crash') await agent.crash();
    else if (act === 'store') agent.store();
    else await disk[act]();
  }
  await disk.finish();
  await agent.settle();
}

const LIVING: Act[] = ['append', 'append', 'half', ...ROTATIONS, 'poll', 'poll', 'settle', 'restart'];
const ACTS = (...more: Act[]) =>
  fc.array(fc.constantFrom<Act>(...LIVING, ...more), { minLength: 5, maxLength: 30 });

test('no rotation and no restart loses or repeats a line', async () => {
  await fc.assert(
    fc.asyncProperty(ACTS('delete'), (acts) =>
      withLog(async (disk, agent) => {
        await play(acts, disk, agent);
        assert.deepEqual([...agent.texts].sort(), disk.written);
      }),
    ),
    { numRuns: RUNS },
  );
});

test('no crash loses a line, and a repeated line has its old id', async () => {
  await fc.assert(
    fc.asyncProperty(ACTS('crash', 'store'), (acts) =>
      withLog(async (disk, agent) => {
        await play(acts, disk, agent);
        assert.deepEqual([...agent.processed].sort(), disk.written);
      }),
    ),
    { numRuns: RUNS },
  );
});
