import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { scanCommand } from '../../src/cli/scan.ts';
import { SIGNATURE_CLASSES } from '../../src/watch/finding.ts';

const KUBE_OVN = join(import.meta.dirname, '..', 'fixtures', 'kube-ovn');
const BAD = join(KUBE_OVN, 'ahead-intact-member.ovsdb-server-nb.log');
const CRI = join(KUBE_OVN, 'rotten-member-repaired-by-truncation.cri.log');
const GOOD = join(KUBE_OVN, 'ahead-intact-member.ovn-northd.log');

const folder = await mkdtemp(join(tmpdir(), 'ovn-warden-scan-'));
after(() => rm(folder, { recursive: true }));

interface Found {
  readonly signature: string;
  readonly class: string;
  readonly database: string | null;
  readonly file: string;
  readonly line: number;
  readonly at: string | null;
  readonly text: string;
}

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function scan(output: 'table' | 'json', ...files: string[]): Promise<Run> {
  let stdout = '';
  let stderr = '';
  const io = {
    stdout: (text: string): void => {
      stdout += text;
    },
    stderr: (text: string): void => {
      stderr += text;
    },
  };
  return { code: await scanCommand(files, { output }, io), stdout, stderr };
}

async function scanJson(...files: string[]): Promise<Run & { findings: Found[]; lines: number }> {
  const run = await scan('json', ...files);
  return { ...run, ...(JSON.parse(run.stdout) as { findings: Found[]; lines: number }) };
}

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

test('findings of a real log come with number, time, database and text of their line', async () => {
  const { code, findings, lines, stderr } = await scanJson(BAD);
  const content = (await readFile(BAD, 'utf8')).split('\n');
  assert.equal(code, 3);
  assert.equal(stderr, '');
  assert.equal(lines, content.length - 1);
  assert.equal(findings.length, 9);
  for (const finding of findings) {
    assert.deepEqual(Object.keys(finding), ['signature', 'class', 'database', 'file', 'line', 'at', 'text']);
    assert.equal(finding.text, content[finding.line - 1]);
    assert.equal(finding.at, finding.text.slice(0, 24));
    assert.equal(finding.database, 'nb');
    assert.ok(SIGNATURE_CLASSES.some((name) => name === finding.class));
  }
});

test('a container log is scanned without its prefixes', async () => {
  const { code, findings } = await scanJson(CRI);
  assert.equal(code, 3);
  assert.deepEqual(
    findings.map(({ signature, line, at }) => [signature, line, at]),
    [
      ['record-unreadable', 13, '2026-11-23T19:34:36.811Z'],
      ['repaired-by-truncation', 15, '2026-11-23T19:34:36.823Z'],
      ['record-unreadable', 16, '2026-11-23T19:34:36.830Z'],
    ],
  );
});

test('a line that the runtime cut in two is found, under the number of its first piece', async () => {
  const [prefix, message] = [
    '2026-11-23T19:36:13.912461006Z stderr',
    'ovsdb-server: server configuration failed',
  ];
  const lines = [
    `${prefix} F hello`,
    `${prefix} P ${message.slice(0, 20)}`,
    `${prefix} F ${message.slice(20)}`,
  ];
  const { findings } = await scanJson(await file('cut.log', `${lines.join('\n')}\n`));
  assert.deepEqual(
    findings.map(({ line, text }) => [line, text]),
    [[2, message]],
  );
});

test('a gzip file gives the same findings as the plain one, whatever its name', async () => {
  const plain = await scanJson(BAD);
  const zipped = await scanJson(await file('ovsdb-server-nb.log.2', gzipSync(await readFile(BAD))));
  const nameless = (found: Found[]): object[] => found.map((finding) => ({ ...finding, file: '' }));
  assert.deepEqual(nameless(zipped.findings), nameless(plain.findings));
  assert.equal(zipped.lines, plain.lines);
});

test('the table names each signature, what it means and what to do next', async () => {
  const { code, stdout } = await scan('table', BAD, GOOD);
  assert.equal(code, 3);
  assert.match(stdout, /^.*ahead-intact-member\.ovsdb-server-nb\.log \(140 lines\)\n/);
  assert.match(stdout, /\ncommitted-contradicted +diverged +nb +3 +63-131 +2026-11-23T19:35:17.674Z /);
  assert.match(stdout, /\ntruncates-committed: .*only copy of the newest data\.\n {2}next: Change nothing/);
  assert.match(stdout, /\n {2}line 134: .*attempts to truncate log/);
  assert.doesNotMatch(stdout, /northd/);
});

test('logs without trouble end with 0', async () => {
  const table = await scan('table', GOOD);
  assert.deepEqual([table.code, table.stdout, table.stderr], [0, 'no known trouble in 97 lines\n', '']);
  const { code, findings, lines } = await scanJson(GOOD);
  assert.deepEqual([code, findings, lines], [0, [], 97]);
});

test('an empty file and binary noise have no findings', async () => {
  const empty = await scanJson(await file('empty.log', ''));
  assert.deepEqual([empty.code, empty.findings, empty.lines], [0, [], 0]);
  const noise = await scanJson(await file('noise.log', randomBytes(3_000_000)));
  assert.deepEqual([noise.code, noise.findings], [0, []]);
});

test('what cannot be read is one clear error each, and the rest is scanned all the same', async () => {
  const whole = gzipSync(randomBytes(100_000));
  const unreadable = [
    join(folder, 'absent.log'),
    await mkdir(join(folder, 'directory.log')).then(() => join(folder, 'directory.log')),
    await file('cut.gz', whole.subarray(0, 50_000)),
    '/dev/zero',
  ];
  const { code, findings, stderr } = await scanJson(...unreadable, CRI);
  assert.equal(code, 1);
  assert.equal(findings.length, 3);
  const errors = stderr.trimEnd().split('\n');
  assert.equal(errors.length, unreadable.length);
  for (const [index, path] of unreadable.entries()) assert.ok(errors[index]?.includes(path), errors[index]);
});

test('control characters of a log never reach the terminal', async () => {
  const line = `ovsdb-server: \u001b[2Jovsdb error: \u0007record 1 regresses commit index from 84 to 5\n`;
  const path = await file('evil.log', line);
  for (const output of ['table', 'json'] as const) {
    const { code, stdout } = await scan(output, path);
    assert.equal(code, 3);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f]/);
  }
});
