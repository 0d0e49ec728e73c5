import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { FileReport, ProblemKind } from '../../src/ovsdb/file-report.ts';
import { createOvsdbTool } from '../../src/ovsdb/ovsdb-tool.ts';
import { verifyFile } from '../../src/ovsdb/verify-file.ts';
import { startCluster } from '../engine/support/index.ts';
import { type BaseFiles, makeBaseFiles } from './corpus/base-files.ts';
import { CONTENT_DAMAGES, HEADER_DAMAGES, STRANGE_RECORD_DAMAGES } from './corpus/content-damages.ts';
import { type PlacedDamage, placeDamages } from './corpus/damage.ts';
import { FILE_DAMAGES, FRAME_DAMAGES } from './corpus/frame-damages.ts';
import { readLogBytes } from './corpus/log-bytes.ts';
import { DAMAGES } from './corpus/make-corpus.ts';

/** Every problem for which a file may be refused that `check-cluster` accepts. */
const STRICTER: Readonly<Partial<Record<ProblemKind, string>>> = {
  'left-cluster': 'the tool prints it and exits with 0; a server does not start',
  'not-a-member': 'the tool wants the own server id in any list of servers; a server, in the last one',
};

/** At the same time: the tool takes most of the time, and the machine has more than one processor. */
const PARALLEL = 4;
const RAFT = [...CONTENT_DAMAGES, ...HEADER_DAMAGES];
const FRAMES = [...FRAME_DAMAGES, ...FILE_DAMAGES];

const tool = createOvsdbTool({ path: '/usr/bin/ovsdb-tool', timeoutMs: 30_000 });
const directory = await mkdtemp(join(tmpdir(), 'ovn-warden-corpus-'));
after(() => {
  rmSync(directory, { recursive: true });
});
const base = await makeBase();

async function makeBase(): Promise<BaseFiles> {
  const cluster = await startCluster({ database: 'nb', members: 3, dir: directory });
  try {
    return await makeBaseFiles(cluster, directory);
  } finally {
    await cluster.dispose();
  }
}

for (const [name, damages] of [
  ['formerLeader', [...FRAMES, ...RAFT]],
  ['compacted', [...FRAMES, ...RAFT]],
  ['follower', [...STRANGE_RECORD_DAMAGES, ...RAFT]],
] as const) {
  describe(`damage to the file ${name}`, { concurrency: PARALLEL }, () => {
    for (const placed of placeDamages(damages, readLogBytes(base[name]))) {
      test(`${placed.name} is judged as the tool judges it`, async () => {
        await compare(join(directory, `${name}-${placed.name.replaceAll(/[^a-z0-9]/g, '-')}.db`), placed);
      });
    }
  });
}

async function compare(path: string, { damage, bytes }: PlacedDamage): Promise<void> {
  writeFileSync(path, bytes);
  const [{ report }, theirs] = await Promise.all([verifyFile(path), tool.checkCluster(path)]);
  rmSync(path);
  const kinds = report.problems.map(({ kind }) => kind);
  const found = kinds.length === 0 ? ['sound' as const] : kinds;
  const said = `ours: ${JSON.stringify(report.problems)}, the tool: ${theirs.output.slice(0, 300)}`;
  assert.ok(
    found.some((kind) => damage.kinds.includes(kind)),
    `wanted ${damage.kinds.join(' or ')}; ${said}`,
  );
  assert.ok(!report.ok || theirs.ok, `more lenient than the tool; ${said}`);
  if (!report.ok && theirs.ok)
    assert.ok(
      kinds.every((kind) => kind in STRICTER),
      `no reason to be stricter; ${said}`,
    );
}

async function reportOf(path: string): Promise<FileReport> {
  return (await verifyFile(path)).report;
}

test('the corpus has at least thirty kinds of damage, each under a name of its own', () => {
  assert.ok(DAMAGES.length >= 30);
  assert.equal(new Set(DAMAGES.map(({ name }) => name)).size, DAMAGES.length);
});

for (const name of ['formerLeader', 'follower', 'compacted', 'afterKick'] as const) {
  test(`the sound file ${name} passes, as with the tool`, async () => {
    assert.deepEqual((await reportOf(base[name])).problems, []);
    assert.equal((await tool.checkCluster(base[name])).ok, true);
  });
}

test('the file of a kicked member says so; the tool accepts it, a server would not', async () => {
  const { problems } = await reportOf(base.kicked);
  assert.deepEqual(
    problems.map(({ kind }) => kind),
    ['left-cluster'],
  );
  assert.equal((await tool.checkCluster(base.kicked)).ok, true);
});

for (const name of ['fresh', 'joining'] as const) {
  test(`the file ${name}, which no server has opened, is sound: here alone the tool is stricter`, async () => {
    assert.deepEqual((await reportOf(base[name])).problems, []);
    const theirs = await tool.checkCluster(base[name]);
    assert.equal(theirs.ok, false);
    assert.match(theirs.output, /all logs are empty/);
  });
}

test('a file that belongs to somebody else is named for each part of its identity', async () => {
  const { database, clusterId, serverId, address } = await reportOf(base.formerLeader);
  const same = await verifyFile(base.formerLeader, { expected: { database, clusterId, serverId, address } });
  assert.deepEqual(same.report.problems, []);
  const nobody = 'ffffffff-ffff-4fff-8fff-ffffffffffff';
  const expected = {
    database: 'OVN_Southbound',
    clusterId: nobody,
    serverId: nobody,
    address: 'tcp:[::1]:1',
  };
  const { report } = await verifyFile(base.formerLeader, { expected });
  assert.deepEqual(
    report.problems.map(({ kind }) => kind),
    ['wrong-name', 'wrong-cluster', 'wrong-server', 'wrong-address'],
  );
});
