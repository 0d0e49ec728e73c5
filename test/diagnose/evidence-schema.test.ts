import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import {
  EVIDENCE_LIMITS,
  clusterStatusSchema,
  memberEvidenceSchema,
} from '../../src/diagnose/evidence-schema.ts';
import { parseClusterStatus } from '../../src/ovsdb/cluster-status.ts';
import { healthyCluster } from '../support/evidence.ts';
import { exampleEvidence } from '../support/example-evidence.ts';

const FIXTURES = new URL('../fixtures/cluster-status/', import.meta.url);

test('evidence survives the journey through JSON unchanged', () => {
  for (const evidence of [exampleEvidence('a', 'nb', true), exampleEvidence('b', 'sb')])
    assert.deepEqual(memberEvidenceSchema.parse(JSON.parse(JSON.stringify(evidence))), evidence);
});

test('what makes a repeated entry harmless survives the journey', () => {
  const [evidence] = healthyCluster();
  const problem = { kind: 'truncates-committed', record: 7, offset: 9, detail: 'again' } as const;
  for (const sameEntry of [true, false]) {
    const report = { ...evidence?.file?.report, joined: true, problems: [{ ...problem, sameEntry }] };
    const sent = { ...evidence, file: { ...evidence?.file, report } };
    assert.deepEqual(memberEvidenceSchema.parse(JSON.parse(JSON.stringify(sent))), sent);
  }
});

test('every status that a real server printed passes', () => {
  let count = 0;
  for (const file of readdirSync(FIXTURES)) {
    const text = readFileSync(new URL(file, FIXTURES), 'utf8');
    if (!text.includes('Name: ')) continue;
    const status = parseClusterStatus(text);
    assert.deepEqual(clusterStatusSchema.parse(JSON.parse(JSON.stringify(status))), status, file);
    count += 1;
  }
  assert.ok(count >= 15, `only ${String(count)} files`);
});

test('a database that is served by nobody passes', () => {
  const evidence = { ...exampleEvidence('a', 'nb'), file: null, ownMark: null };
  for (const server of [
    { state: 'down', detail: 'ECONNREFUSED' },
    { state: 'silent', detail: 'no answer in 10000 ms' },
    { state: 'no-database', detail: 'no such database', incarnation: '1/2' },
  ])
    assert.ok(memberEvidenceSchema.safeParse({ ...evidence, server }).success, server.state);
});

test('a lie is refused', () => {
  const evidence = exampleEvidence('a', 'nb');
  const finding = { signature: 'x', class: 'y', at: null };
  const lies = {
    'another database': { database: 'xx' },
    'a server state that does not exist': { server: { state: 'fine' } },
    'an index below zero': { ownMark: { ...evidence.ownMark, index: -1 } },
    'an index beyond exact numbers': { ownMark: { ...evidence.ownMark, index: 2 ** 60 } },
    'an id that is none': { ownMark: { ...evidence.ownMark, eid: 'x' } },
    'a time that is none': { takenAt: 'yesterday' },
    'too many findings': { findings: Array.from({ length: EVIDENCE_LIMITS.findings + 1 }, () => finding) },
    'a node name without end': { node: 'n'.repeat(256) },
    'nothing where a list belongs': { standings: undefined },
  };
  for (const [title, lie] of Object.entries(lies))
    assert.equal(memberEvidenceSchema.safeParse({ ...evidence, ...lie }).success, false, title);
});

test('a key that only a newer agent knows is dropped', () => {
  const evidence = exampleEvidence('a', 'nb');
  assert.deepEqual(memberEvidenceSchema.parse({ ...evidence, tomorrow: { deep: [1] } }), evidence);
});
