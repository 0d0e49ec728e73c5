import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Diagnosis, MemberVerdict, Verdict } from '../../src/diagnose/verdict.ts';
import { VERDICTS } from '../../src/diagnose/verdict.ts';
import { plan, refusalOfTurn } from '../../src/heal/plan.ts';
import type { RemedyName } from '../../src/heal/status-document.ts';
import { LIMITS, factsOf, rottenCluster } from '../support/compact-facts.ts';
import { CLUSTER_ID, OTHER_CLUSTER_ID, serverIdOf, withServer } from '../support/evidence.ts';

const PRESERVED: ReadonlySet<Verdict> = new Set([
  'ahead',
  'diverged',
  'foreign',
  'removed',
  'inconsistent',
  'broken',
  'failed',
  'gapped',
]);

function diagnosed(verdict: Verdict, change: Partial<Diagnosis> = {}): Diagnosis {
  const { diagnosis } = factsOf();
  const members = diagnosis.members.map(
    (member): MemberVerdict => (member.node === 'n3' ? { ...member, verdict } : member),
  );
  return { ...diagnosis, members, ...change };
}

for (const verdict of VERDICTS) {
  const remedy: RemedyName = verdict === 'rotten' ? 'compact' : PRESERVED.has(verdict) ? 'preserve' : 'none';
  test(`the remedy for ${verdict} is ${remedy}`, () => {
    const document = plan(factsOf(undefined, { diagnosis: diagnosed(verdict) }), LIMITS);
    assert.equal(document.remedy, remedy);
    assert.equal(document.node, 'n3');
    assert.notEqual(document.because, '');
    assert.equal(document.guards.length > 0, remedy === 'compact');
  });
}

test('a cluster that lost data or split is preserved on every node, also on a healthy one', () => {
  for (const cluster of ['regressed', 'split'] as const) {
    const diagnosis = diagnosed('healthy', { cluster, because: 'a mark is gone', frozen: true });
    const document = plan(factsOf(undefined, { diagnosis }), LIMITS);
    assert.equal(document.remedy, 'preserve');
    assert.match(document.because, /a mark is gone/);
    const rotten = plan(
      factsOf(undefined, { diagnosis: diagnosed('rotten', { cluster, frozen: true }) }),
      LIMITS,
    );
    assert.equal(rotten.guards.find(({ id }) => id === 'precedence')?.ok, false);
  }
});

test('a node without a member has nothing to plan', () => {
  const document = plan(factsOf(undefined, { node: 'elsewhere' }), LIMITS);
  assert.deepEqual([document.remedy, document.because], ['none', 'this node has no member']);
});

const victimEvidence = rottenCluster()[2] ?? null;
const request = { node: 'n3', clusterId: CLUSTER_ID, serverId: serverIdOf(3) };

test('a turn is refused unless the member is rotten here as well and nothing is frozen', () => {
  const ask = (diagnosis: Diagnosis) => refusalOfTurn({ diagnosis, request, victimEvidence });
  assert.equal(ask(diagnosed('rotten')), null);
  for (const verdict of VERDICTS)
    if (verdict !== 'rotten')
      assert.match(ask(diagnosed(verdict)) ?? '', new RegExp(`n3 is ${verdict} here`));
  assert.match(ask(diagnosed('rotten', { frozen: true })) ?? '', /frozen here/);
});

test('a turn is refused for a member that is not known here, or that is known as another one', () => {
  const diagnosis = diagnosed('rotten');
  const ask = (change: Partial<typeof request>, evidence = victimEvidence) =>
    refusalOfTurn({ diagnosis, request: { ...request, ...change }, victimEvidence: evidence }) ?? '';
  assert.match(ask({ node: 'n9' }), /n9 is not known here/);
  assert.match(ask({}, null), /n3 is not known here/);
  assert.match(ask({ serverId: serverIdOf(2) }), /another member/);
  assert.match(ask({ clusterId: OTHER_CLUSTER_ID }), /another cluster/);
  const silent = victimEvidence && withServer({ state: 'silent', detail: 'no answer' })(victimEvidence);
  assert.match(ask({}, silent), /another member/);
});
