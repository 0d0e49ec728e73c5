import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleStatusDocument, withTrouble } from '../support/example-status.ts';
import { cli, startStubAgent } from './cli-world.ts';

test('one table shows every member of both databases', async (t) => {
  const socket = await startStubAgent(t, exampleStatusDocument());
  const { exitCode, stdout, stderr } = await cli(['status', '--socket', socket]);
  assert.equal(exitCode, 0);
  assert.equal(stderr, '');
  const lines = stdout.split('\n');
  assert.equal(
    lines[0],
    'agent a, version 0.1.0, mode auto, armed: every member has been healthy for 10 min',
  );
  assert.equal(lines[1], 'nb ok: all 3 members are healthy');
  assert.equal(lines[4], 'DATABASE  NODE  ROLE      VERDICT  TERM  COMMIT  FILE   SEEN     BECAUSE');
  assert.equal(
    lines[5],
    'nb        a     leader    healthy  2     41      sound  3 s ago  server and file are sound',
  );
  assert.equal(lines.filter((line) => /^(nb|sb) {8}[abc] /.test(line)).length, 6);
  assert.match(stdout, /^heal: 60 min ago, compact of nb on b: healed, the new file is sound$/m);
  assert.match(stdout, /^backups of sb: newest verified 43 min ago, 3 kept$/m);
});

test('a cluster that is not ok exits with 3', async (t) => {
  const socket = await startStubAgent(t, withTrouble('sb', { cluster: 'degraded', because: 'c is down' }));
  for (const output of ['table', 'json'])
    assert.equal((await cli(['status', '--socket', socket, '-o', output])).exitCode, 3);
});

test('JSON is the whole document, and only that', async (t) => {
  const socket = await startStubAgent(t, exampleStatusDocument());
  const { stdout } = await cli(['status', '--socket', socket, '-o', 'json']);
  assert.deepEqual(JSON.parse(stdout), exampleStatusDocument());
});

test('what is not known is shown as such, without a crash', async (t) => {
  const status = exampleStatusDocument();
  const databases = status.databases.map((entry) => ({
    ...entry,
    plan: null,
    members: entry.members.map(({ node }) => ({ node, ageMs: null, evidence: null })),
  }));
  const backups = [{ database: 'nb', newestVerifiedAt: null, items: 0 }] as const;
  const socket = await startStubAgent(t, { ...status, databases, heals: [], backups });
  const { stdout } = await cli(['status', '--socket', socket]);
  assert.match(stdout, /^nb {8}a {5}- {5}healthy {2}- {5}- {7}- {5}never /m);
  assert.match(stdout, /^heals: none$/m);
  assert.match(stdout, /^backups of nb: newest verified never, 0 kept$/m);
});

test('foreign text neither breaks the table nor talks to the terminal', async (t) => {
  const because = 'line one\nline two \u001b]0;title\u0007 \u202etxet';
  const socket = await startStubAgent(t, withTrouble('nb', { because }));
  const { stdout } = await cli(['status', '--socket', socket]);
  assert.doesNotMatch(stdout, /[\u001b\u0007\u202e]/);
  assert.match(stdout, /^nb ok: line one line two \ufffd\]0;title\ufffd \ufffdtxet$/m);
});

test('colour is used where it is wanted only', async (t) => {
  const socket = await startStubAgent(t, exampleStatusDocument());
  const coloured = '\u001b[32mok\u001b[39m';
  assert.ok(!(await cli(['status', '--socket', socket])).stdout.includes(coloured));
  assert.ok((await cli(['status', '--socket', socket], true)).stdout.includes(coloured));
});
