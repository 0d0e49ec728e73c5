import { diagnose } from '../../src/diagnose/diagnose.ts';
import type { MemberEvidence } from '../../src/diagnose/evidence.ts';
import type { CompactFacts, CompactLimits } from '../../src/heal/compact-facts.ts';
import { healthyCluster, nodeName, observe, withMember, withRot } from './evidence.ts';

export const LIMITS: CompactLimits = {
  staleAfterMs: 30_000,
  confirmAfterMs: 60_000,
  cooldownMs: 300_000,
  compactionsPerDay: 24,
  minFreeBytes: 1_000_000,
  minMemoryFactor: 10,
};

/** `size` members in step, the file of one of them rotten beyond doubt. */
export function rottenCluster(victim = 3, size = 3): MemberEvidence[] {
  return withMember(healthyCluster(size), victim, withRot);
}

/** Facts with which every guard passes, judged from these members. */
export function factsOf(
  members: readonly (MemberEvidence | null)[] = rottenCluster(),
  change: Partial<CompactFacts> = {},
): CompactFacts {
  const observation = observe(members);
  return {
    node: nodeName(3),
    mode: 'auto',
    armed: { armed: true, because: 'every member was once healthy' },
    observation,
    diagnosis: diagnose(observation, LIMITS),
    fileSizeBytes: 100_000,
    freeBytes: 10_000_000,
    availableMemoryBytes: 10_000_000,
    preservedIsSafe: true,
    sinceLastMs: null,
    compactionsToday: 0,
    turn: { state: 'held', leftMs: 100_000 },
    ...change,
  };
}
