import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Diagnosis, MemberVerdict, Verdict } from '../../src/diagnose/verdict.ts';
import { VERDICTS } from '../../src/diagnose/verdict.ts';
import { plan, refusalOfTurn } from '../../src/heal/plan.ts';
import type { RemedyName } from '../../src/heal/status-document.ts';
import { LIMITS, factsOf, rottenCluster } from '../support/compact-facts.ts';

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

test('a turn is refused unless the member is rotten here as well and nothing is frozen', () => {
  const ask = (diagnosis: Diagnosis, victim = 'n3') => refusalOfTurn({ diagnosis, victim, victimEvidence });
  assert.equal(ask(diagnosed('rotten')), null);
  for (const verdict of VERDICTS)
    if (verdict !== 'rotten')
      assert.match(ask(diagnosed(verdict)) ?? '', new RegExp(`n3 is ${verdict} here`));
  assert.match(ask(diagnosed('rotten', { frozen: true })) ?? '', /frozen here/);
  assert.match(ask(diagnosed('rotten'), 'n9') ?? '', /n9 is not known here/);
  const unseen = { diagnosis: diagnosed('rotten'), victim: 'n3', victimEvidence: null };
  assert.match(refusalOfTurn(unseen) ?? '', /n3 is not known here/);
});
