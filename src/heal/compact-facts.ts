import type { Observation } from '../diagnose/evidence.ts';
import type { Diagnosis } from '../diagnose/verdict.ts';

/** Thresholds of a compaction; all from the configuration. */
export interface CompactLimits {
  readonly staleAfterMs: number;
  readonly confirmAfterMs: number;
  readonly cooldownMs: number;
  readonly compactionsPerDay: number;
  readonly minFreeBytes: number;
  readonly minMemoryFactor: number;
}

/** How the siblings answered the request to keep still. */
export type TurnFact =
  | { readonly state: 'not-asked' }
  | { readonly state: 'held'; readonly leftMs: number }
  | { readonly state: 'refused'; readonly because: string };

/** Everything a decision about a compaction of this node's own member is made from. Plain data, no clock. */
export interface CompactFacts {
  readonly node: string;
  readonly mode: 'auto' | 'observe';
  readonly armed: { readonly armed: boolean; readonly because: string };
  readonly observation: Observation;
  readonly diagnosis: Diagnosis;
  readonly fileSizeBytes: number;
  /** Free bytes where the database lies. */
  readonly freeBytes: number;
  /** Memory that the server may still take before something is killed. */
  readonly availableMemoryBytes: number;
  /** Is the preserved copy named in the evidence there, and does it read back right? */
  readonly preservedIsSafe: boolean;
  /** Time since the last compaction by us of this member; null when there was none. */
  readonly sinceLastMs: number | null;
  readonly compactionsToday: number;
  readonly turn: TurnFact;
}
