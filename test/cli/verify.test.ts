import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyCommand } from '../../src/cli/verify.ts';
import { type FileReport, PROBLEM_KINDS } from '../../src/ovsdb/file-report.ts';
import { temporaryDirectory } from '../engine/support/index.ts';
import { SELF, entries, header, logOf } from '../ovsdb/small-log.ts';

interface Run {
  readonly code: number;
  readonly stdout: string;
}

async function verify(output: 'table' | 'json', ...files: string[]): Promise<Run> {
  let stdout = '';
  const stream = {
    write: (text: string): void => {
      stdout += text;
    },
  };
  const code = await verifyCommand(files, { output }, { stdout: stream, stderr: stream, colour: false });
  return { code, stdout };
}

test('sound files: a table, exit 0', async (t) => {
  const file = join(temporaryDirectory(t), 'a.db');
  writeFileSync(file, logOf(header(), ...entries(2, 3)));
  const { code, stdout } = await verify('table', file);
  assert.equal(code, 0);
  const [head, row, ...rest] = stdout.trimEnd().split('\n');
  assert.deepEqual(head?.trim().split(/\s+/), [
    'FILE',
    'VERDICT',
    'DATABASE',
    'SERVER',
    'RECORDS',
    'TERM',
    'LAST',
    'COMMIT',
  ]);
  assert.deepEqual(row?.trim().split(/\s+/), [
    file,
    'sound',
    'OVN_Northbound',
    SELF.slice(0, 4),
    '5',
    '1',
    '3',
    '3',
  ]);
  assert.deepEqual(rest, []);
});

test('a file that is not sound: what, where, and what a server would do with it, exit 3', async (t) => {
  const folder = temporaryDirectory(t);
  const [sound, bad] = [join(folder, 'sound.db'), join(folder, 'bad.db')];
  writeFileSync(sound, logOf(header(), ...entries(2, 3)));
  writeFileSync(bad, logOf(header(), ...entries(2, 3), ...entries(9, 9)));
  const { code, stdout } = await verify('table', sound, bad);
  assert.equal(code, 3);
  assert.match(stdout, /bad\.db +NOT SOUND/);
  assert.match(stdout, /bad\.db: index-skipped in record 5 at byte \d+\n {2}has index 9, expected 4\n/);
  assert.match(stdout, /\n {2}a server with this file: refuses to start\n$/);
});

test('a file that cannot be read: exit 1, whatever the others are', async (t) => {
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, 'empty.db'), '');
  const { code, stdout } = await verify('table', join(folder, 'empty.db'), join(folder, 'absent.db'));
  assert.equal(code, 1);
  assert.match(stdout, /absent\.db: unreadable\n {2}.*ENOENT/);
});

test('a file that has not joined is sound, and said to be', async (t) => {
  const file = join(temporaryDirectory(t), 'join.db');
  const joining = { server_id: SELF, name: 'OVN_Northbound', local_address: 'tcp:127.0.0.1:1' };
  writeFileSync(file, logOf({ ...joining, remote_addresses: ['tcp:127.0.0.2:1'] }));
  const { code, stdout } = await verify('table', file);
  assert.equal(code, 0);
  assert.match(stdout, /sound, not joined yet/);
});

test('what a hostile file says cannot move the cursor of a terminal', async (t) => {
  const file = join(temporaryDirectory(t), 'hostile.db');
  writeFileSync(file, logOf(header({ name: '\u001b[2Jx' }), { '\u001b[31m': 1, term: 1 }));
  const { stdout } = await verify('table', file);
  assert.ok(!stdout.includes('\u001b'));
});

test('as JSON: the report of each file, as the page on verify shows it', async (t) => {
  const folder = temporaryDirectory(t);
  const file = join(folder, 'a.db');
  writeFileSync(file, logOf(header(), ...entries(2, 3), { note: 'left' }));
  const { code, stdout } = await verify('json', file);
  assert.equal(code, 3);
  const { files } = JSON.parse(stdout) as { files: FileReport[] };
  assert.deepEqual(
    files[0]?.problems.map(({ kind, record }) => [kind, record]),
    [['left-cluster', 5]],
  );
  const page = await readFile(PAGE, 'utf8');
  const shown = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '') as { files: FileReport[] };
  const keys = (report: FileReport | undefined): string[] => Object.keys(report ?? {}).sort();
  assert.deepEqual(keys(shown.files[0]), keys(files[0]));
  const problemKeys = (report: FileReport | undefined): string[] =>
    Object.keys(report?.problems[0] ?? {}).sort();
  assert.deepEqual(problemKeys(shown.files[0]), problemKeys(files[0]));
});

const PAGE = join(import.meta.dirname, '../../docs/reference/verify.md');

test('the page on verify has one row for each kind of problem, in the order of the source', async () => {
  const rows = [
    ...(await readFile(PAGE, 'utf8')).matchAll(/^\| `([a-z-]+)` \| (\S.*) \| (\S.*) \| (\S.*) \|$/gm),
  ];
  assert.deepEqual(
    rows.map(([, kind]) => kind),
    [...PROBLEM_KINDS],
  );
});
