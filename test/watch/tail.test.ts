import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/lib/clock.ts';
import { createTail, type Tail } from '../../src/watch/tail.ts';
import type { TailLine } from '../../src/watch/tail-options.ts';
import { LogDisk, withFolder } from './log-disk.ts';

interface Running {
  readonly tail: Tail;
  readonly lines: TailLine[];
  readonly warnings: string[];
}

async function follow(paths: readonly string[], checkpointFile: string, pollMs = 1000): Promise<Running> {
  const lines: TailLine[] = [];
  const warnings: string[] = [];
  const tail = createTail({
    files: paths.map((path) => ({ path, database: 'nb' as const })),
    checkpointFile,
    clock: systemClock,
    pollMs,
    log: { info: () => undefined, warn: (_fields, message) => void warnings.push(message) },
    onLines: (batch) => {
      lines.push(...batch.lines);
      return Promise.resolve();
    },
  });
  await tail.start();
  return { tail, lines, warnings };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let n = 0; n < 800 && !condition(); n += 1) await delay(25);
  assert.ok(condition(), what);
}

test('appended lines of two logs arrive by event long before the next poll', async () => {
  await withFolder(async (folder) => {
    const paths = [join(folder, 'a', 'x.log'), join(folder, 'b', 'y.log')];
    for (const path of paths) {
      await mkdir(join(path, '..'));
      await writeFile(path, '');
    }
    const { tail, lines } = await follow(paths, join(folder, 'positions'), 600_000);
    await delay(500);
    for (const path of paths) await appendFile(path, `${path}\n`);
    await until(() => lines.length === 2, 'the lines did not arrive');
    assert.ok(tail.counters.foundByEvent > 0);
    await tail.stop();
  });
});

test('a log whose directory appears later is found, and its lines are not historic', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'late', 'x.log');
    const { tail, lines } = await follow([path], join(folder, 'positions'), 50);
    await mkdir(join(folder, 'late'));
    await writeFile(path, 'first\n');
    await until(() => lines.length === 1, 'the line did not arrive');
    assert.equal(lines[0]?.historic, false);
    await tail.stop();
  });
});

test('a directory that is removed and made again is followed on', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'logs', 'x.log');
    await mkdir(join(folder, 'logs'));
    await writeFile(path, 'one\n');
    const { tail, lines } = await follow([path], join(folder, 'positions'), 50);
    await until(() => lines.length === 1, 'the line did not arrive');
    await rm(join(folder, 'logs'), { recursive: true });
    await delay(300);
    await mkdir(join(folder, 'logs'));
    await delay(300);
    await writeFile(path, 'two\n');
    await until(() => lines.length === 2, 'the line in the new directory did not arrive');
    await tail.stop();
  });
});

test('a stopped tail goes on where it stopped', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'x.log');
    const checkpoint = join(folder, 'positions');
    await writeFile(path, 'one\ntwo\n');
    const first = await follow([path], checkpoint);
    await until(() => first.lines.length === 2, 'the lines did not arrive');
    await first.tail.stop();
    await appendFile(path, 'three\n');
    const second = await follow([path], checkpoint);
    await until(() => second.lines.length > 0, 'the line did not arrive');
    await second.tail.stop();
    assert.deepEqual(
      second.lines.map(({ text }) => text),
      ['three'],
    );
  });
});

test('a tail that was never started stores nothing when it is stopped', async () => {
  await withFolder(async (folder) => {
    const checkpoint = join(folder, 'positions');
    await writeFile(checkpoint, 'precious');
    const tail = createTail({
      files: [],
      checkpointFile: checkpoint,
      clock: systemClock,
      log: { info: () => undefined, warn: () => undefined },
      onLines: () => Promise.resolve(),
    });
    await tail.stop();
    assert.equal(await readFile(checkpoint, 'utf8'), 'precious');
  });
});

const DAMAGES: readonly (readonly [string, (content: string) => string])[] = [
  ['empty', () => ''],
  ['cut', (content) => content.slice(0, content.length >> 1)],
  ['changed', (content) => content.replace('offset\\":8', 'offset\\":9')],
  ['foreign', () => '{"hello":"world"}'],
];

for (const [name, damage] of DAMAGES) {
  test(`a checkpoint that is ${name} is one warning, and all lines come again as historic`, async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'x.log');
      const checkpoint = join(folder, 'positions');
      await writeFile(path, '');
      const first = await follow([path], checkpoint);
      await appendFile(path, 'one\ntwo\n');
      await until(() => first.lines.length === 2, 'the lines did not arrive');
      await first.tail.stop();
      const content = await readFile(checkpoint, 'utf8');
      assert.notEqual(damage(content), content);
      await writeFile(checkpoint, damage(content));
      const second = await follow([path], checkpoint);
      await until(() => second.lines.length === 2, 'the lines did not come again');
      await second.tail.stop();
      assert.ok(second.lines.every(({ historic }) => historic));
      assert.deepEqual(second.warnings, [
        'log positions cannot be trusted: all logs are read again, as historic',
      ]);
      const third = await follow([path], checkpoint);
      await third.tail.stop();
      assert.deepEqual(third.warnings, []);
    });
  });
}

test('a full disk under the checkpoint stops nothing', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'x.log');
    await writeFile(path, 'one\n');
    const { tail, lines } = await follow([path], join(folder, 'no-such-directory', 'positions'));
    await until(() => lines.length === 1, 'the line did not arrive');
    await tail.stop();
    assert.ok(tail.counters.checkpointErrors > 0);
  });
});

const AGENT = join(import.meta.dirname, 'tail-agent.ts');

function startAgent(folder: string): ChildProcess {
  const args = [AGENT, ...['x.log', 'positions', 'ledger'].map((name) => join(folder, name))];
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function ledgerLines(folder: string): Promise<string[]> {
  const content = await readFile(join(folder, 'ledger'), 'utf8').catch(() => '');
  return content
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t')[1] ?? '');
}

test('an agent that is killed again and again deals with each line once', async () => {
  await withFolder(async (folder) => {
    const disk = new LogDisk(join(folder, 'x.log'));
    await writeFile(disk.path, '');
    await disk.append(5);
    const rotations = ['rotateByRename', 'rotateByRenameAndGzip', 'rotateByCopyAndTruncate'] as const;
    // The first start must see the log before it is rotated: what came before it is not the agent's.
    let agent = startAgent(folder);
    while ((await ledgerLines(folder)).length < 5) await delay(20);
    for (let round = 0; round < 12; round += 1) {
      const lifeMs = Math.random() * 700;
      const end = performance.now() + lifeMs;
      while (performance.now() < end) await disk.append(20);
      const rotation = rotations[round % rotations.length];
      if (round % 2 === 1 && rotation !== undefined) await disk[rotation]();
      await disk.append(20);
      const gone = once(agent, 'exit');
      agent.kill('SIGKILL');
      await gone;
      if (round % 4 === 2 && rotation !== undefined) await disk[rotation]();
      agent = startAgent(folder);
    }
    await disk.finish();
    const deadline = performance.now() + 20_000;
    while ((await ledgerLines(folder)).length < disk.written.length && performance.now() < deadline)
      await delay(50);
    await delay(300);
    const gone = once(agent, 'exit');
    agent.kill('SIGTERM');
    assert.deepEqual(await gone, [0, null]);
    assert.deepEqual((await ledgerLines(folder)).sort(), disk.written);
  });
});
