import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { WardenError } from '../../src/lib/errors.ts';
import { exampleConfig } from '../support/example-config.ts';

function problemsOf(input: unknown): string {
  let message = '';
  assert.throws(
    () => parseConfig(JSON.stringify(input), '/c.json'),
    (error) => {
      assert.ok(error instanceof WardenError);
      assert.equal(error.code, 'config-invalid');
      message = error.message;
      return true;
    },
  );
  return message;
}

test('a small file gets every default', () => {
  const config = parseConfig(JSON.stringify(exampleConfig()), '/c.json');
  assert.equal(config.heal.mode, 'auto');
  assert.equal(config.http.port, 10_670);
  assert.equal(config.stateDir, '/var/lib/ovn-warden');
});

test('every problem is reported at once with key, wanted and got', () => {
  const message = problemsOf({
    node: '',
    databses: {},
    databases: { nb: { file: 'x' } },
    heal: { mode: 'yolo', turnMs: '7', compactonsPerDay: 3 },
    peer: { tls: null, siblings: [{ node: 'b', url: 'http://x' }] },
    logs: 'x',
    http: { port: 70_000 },
    backup: { keepLast: 1.5 },
    turnMs: 3,
  });
  const lines = [
    '/c.json has 13 problems:',
    'node: wanted at least 1 characters, got ""',
    'databses: unknown key; did you mean databases?',
    'databases.nb.file: wanted an absolute path, got "x"',
    'databases.nb.socket: wanted a string, got nothing',
    'heal.mode: wanted "auto" or "observe", got "yolo"',
    'heal.turnMs: wanted a number, got "7"',
    'heal.compactonsPerDay: unknown key; did you mean heal.compactionsPerDay?',
    'peer.tls: wanted an object, got null',
    'peer.siblings[0].url: wanted an https address, got "http://x"',
    'logs: wanted an array, got "x"',
    'http.port: wanted at most 65535, got 70000',
    'backup.keepLast: wanted a whole number, got 1.5',
    'turnMs: unknown key here; did you mean heal.turnMs?',
  ];
  for (const line of lines)
    assert.ok(
      message.split('\n').some((shown) => shown.trim() === line),
      line,
    );
});

test('values that contradict each other are refused', () => {
  const example = exampleConfig();
  const siblings = ['a', 'b', 'b'].map((node) => ({ node, url: 'https://10.0.0.2:1' }));
  const message = problemsOf({
    ...example,
    peer: { ...example.peer, siblings, staleAfterMs: 1_000 },
    backup: { schedule: '99 * * * *' },
  });
  assert.match(message, /siblings\[0\]\.node: wanted another name than node, got "a" twice/);
  assert.match(message, /siblings\[2\]\.node: wanted another name than peer\.siblings\[1\]\.node/);
  assert.match(message, /staleAfterMs: wanted more than peer\.intervalMs, got 1000 and 5000/);
  assert.match(message, /backup\.schedule: wanted a cron expression, got "99 \* \* \* \*"/);
});

test('a flood of problems is cut short', () => {
  const extra = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${String(index)}`, 1]));
  const message = problemsOf({ ...exampleConfig(), ...extra });
  assert.match(message, /has 500 problems/);
  assert.match(message, /and 450 more$/);
});

test('values of the wrong shape altogether are one clear error', () => {
  for (const [text, expected] of [
    ['[]', 'the file: wanted an object, got a list of 0'],
    ['null', 'the file: wanted an object, got null'],
    ['7', 'the file: wanted an object, got 7'],
  ] as const)
    assert.ok(problemsOf(JSON.parse(text)).includes(expected), expected);
});

test('malformed JSON is reported with its line and column', () => {
  const cases = [
    ['', '1:1'],
    ['foo', '1:2'],
    ['{"a": auto }', '1:7'],
    ['{"a":1,}', '1:8'],
    ['[1,]', '1:4'],
    ['{"a":tru}', '1:9'],
    ['{\n "a": 1\n "b": 2}', '3:2'],
    ['{\n // a remark\n}', '2:2'],
    ['{"a":"\\q"}', '1:8'],
    ['{} x', '1:4'],
    ['{"a":"x', '1:8'],
  ] as const;
  for (const [text, place] of cases)
    assert.throws(() => parseConfig(text, '/c.json'), {
      code: 'config-invalid',
      message: new RegExp(`^/c\\.json:${place}: wanted JSON, got: [^{]*$`),
    });
});

test('a file that cannot be read is one clear error', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'warden-config-'));
  try {
    const large = join(directory, 'large.json');
    await writeFile(large, Buffer.alloc(1024 * 1024 + 1, ' '));
    for (const [path, reason] of [
      [join(directory, 'absent.json'), /absent\.json cannot be read: ENOENT/],
      [directory, /cannot be read: .*EISDIR|cannot be read/],
      [large, /larger than 1048576 bytes/],
    ] as const)
      await assert.rejects(loadConfig(path), { code: 'config-invalid', message: reason });
    const good = join(directory, 'good.json');
    await writeFile(good, JSON.stringify(exampleConfig()));
    assert.equal((await loadConfig(good)).node, 'a');
  } finally {
    await rm(directory, { recursive: true });
  }
});
