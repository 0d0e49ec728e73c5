import type { MemberEvidence } from '../diagnose/evidence.ts';
import type { Verdict } from '../diagnose/verdict.ts';
import type { CompactFacts, CompactLimits } from './compact-facts.ts';
import { compactGuards } from './compact-guards.ts';
import type { PlanDocument } from './status-document.ts';
import type { TurnRequest } from './turn.ts';

/** Verdicts whose file must be copied aside before anybody touches it; a person does the rest. */
const PRESERVE: ReadonlySet<Verdict> = new Set([
  'ahead',
  'diverged',
  'foreign',
  'broken',
  'removed',
  'inconsistent',
  'gapped',
  'failed',
]);

/** Chooses the one remedy for this node's member, with every guard. Pure. */
export function plan(facts: CompactFacts, limits: CompactLimits): PlanDocument {
  const { node, diagnosis } = facts;
  const document = { database: diagnosis.database, node };
  const own = diagnosis.members.find((member) => member.node === node);
  if (own === undefined)
    return { ...document, remedy: 'none', because: 'this node has no member', guards: [] };
  if (own.verdict === 'rotten') {
    return { ...document, remedy: 'compact', because: own.because, guards: compactGuards(facts, limits) };
  }
  if (PRESERVE.has(own.verdict) || diagnosis.cluster === 'regressed' || diagnosis.cluster === 'split') {
    const because = PRESERVE.has(own.verdict)
      ? `${own.verdict}: ${own.because}`
      : `${diagnosis.cluster}: ${diagnosis.because}`;
    return { ...document, remedy: 'preserve', because, guards: [] };
  }
  return { ...document, remedy: 'none', because: `${own.verdict}: ${own.because}`, guards: [] };
}

/** Would every condition that this sibling can check itself let the member in `request` be compacted? Used before granting a turn. */
export function refusalOfTurn(facts: {
  readonly diagnosis: CompactFacts['diagnosis'];
  readonly request: Pick<TurnRequest, 'node' | 'clusterId' | 'serverId'>;
  readonly victimEvidence: MemberEvidence | null;
}): string | null {
  const { diagnosis, request, victimEvidence } = facts;
  const victim = request.node;
  if (diagnosis.frozen) return `frozen here: ${diagnosis.because}`;
  const member = diagnosis.members.find(({ node }) => node === victim);
  if (member === undefined || victimEvidence === null) return `${victim} is not known here`;
  const status = victimEvidence.server.state === 'up' ? victimEvidence.server.status : null;
  if (status?.serverId !== request.serverId || status.clusterId !== request.clusterId)
    return `${victim} is another member or of another cluster here`;
  return member.verdict === 'rotten' ? null : `${victim} is ${member.verdict} here: ${member.because}`;
}
