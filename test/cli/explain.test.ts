import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Guard } from '../../src/heal/guard.ts';
import { exampleStatusDocument, examplePlan, withTrouble } from '../support/example-status.ts';
import { cli, startStubAgent } from './cli-world.ts';

const PASSES: Guard = { id: 'mode', ok: true, value: 'auto', threshold: 'auto', ageMs: null, toPass: '' };
const REFUSES: Guard = {
  id: 'in-step',
  ok: false,
  value: 'c is 41 entries behind',
  threshold: 'all within the log',
  ageMs: 2_300,
  toPass: 'c catches up',
};

function rotten(guards: readonly Guard[]) {
  return withTrouble('nb', { cluster: 'degraded', plan: examplePlan('nb', 'compact', guards) });
}

test('a remedy that a guard holds back exits with 4 and says what would make it pass', async (t) => {
  const socket = await startStubAgent(t, rotten([PASSES, REFUSES]));
  const { exitCode, stdout } = await cli(['explain', '--socket', socket]);
  assert.equal(exitCode, 4);
  assert.match(stdout, /^plan for a: compact: rotten\n1 of 2 guards refuse$/m);
  assert.match(stdout, /^GUARD +PASSES +VALUE +WANTED +SEEN +TO PASS$/m);
  assert.match(stdout, /^mode +yes +auto +auto +- +-$/m);
  assert.match(stdout, /^in-step +NO +c is 41 entries behind +all within the log +2 s ago +c catches up$/m);
});

test('a remedy that every guard lets pass exits with 0', async (t) => {
  const socket = await startStubAgent(t, rotten([PASSES]));
  const { exitCode, stdout } = await cli(['explain', '--socket', socket]);
  assert.equal(exitCode, 0);
  assert.match(stdout, /^all 1 guards pass$/m);
});

test('one database can be asked for', async (t) => {
  const socket = await startStubAgent(t, rotten([REFUSES]));
  const { exitCode, stdout } = await cli(['explain', 'sb', '--socket', socket]);
  assert.equal(exitCode, 0);
  assert.doesNotMatch(stdout, /^nb /m);
  assert.match(stdout, /^sb ok: all 3 members are healthy\nleader a, server 5c63, term 2$/m);
  assert.match(stdout, /^plan for a: do nothing: the member is healthy$/m);
});

test('a database that the agent does not watch is a usage error', async (t) => {
  const status = exampleStatusDocument();
  const socket = await startStubAgent(t, { ...status, databases: status.databases.slice(0, 1) });
  const { exitCode, stderr } = await cli(['explain', 'sb', '--socket', socket]);
  assert.equal(exitCode, 2);
  assert.equal(stderr, 'ovn-warden: the agent on a does not watch sb\n');
});

test('JSON holds the diagnosis and the plan of each database', async (t) => {
  const status = rotten([PASSES, REFUSES]);
  const socket = await startStubAgent(t, status);
  const { exitCode, stdout } = await cli(['explain', 'nb', '-o', 'json', '--socket', socket]);
  assert.equal(exitCode, 4);
  const [first] = status.databases;
  assert.deepEqual(JSON.parse(stdout), {
    node: 'a',
    at: status.at,
    mode: 'auto',
    armed: status.armed,
    databases: [{ diagnosis: first?.diagnosis, plan: first?.plan }],
  });
});

test('an agent that has not judged yet is explained as such', async (t) => {
  const status = exampleStatusDocument();
  const databases = status.databases.map((entry) => ({
    ...entry,
    plan: null,
    diagnosis: { ...entry.diagnosis, leader: null },
  }));
  const socket = await startStubAgent(t, { ...status, databases });
  const { stdout } = await cli(['explain', 'nb', '--socket', socket]);
  assert.match(stdout, /^no leader is confirmed$/m);
  assert.match(stdout, /^plan: none yet/m);
});
