/** Every guard by its id. Closed; documented in `docs/reference/guards.md`. */
export const GUARD_IDS = [
  'mode',
  'armed',
  'two-sources',
  'precedence',
  'leader-confirmed',
  'every-member-up',
  'in-step',
  'newest-data',
  'identity',
  'follower-first',
  'preserved',
  'disk-room',
  'memory-room',
  'tool',
  'cooldown',
  'budget',
  'turn',
] as const;

export type GuardId = (typeof GUARD_IDS)[number];

/** One condition of an act: what was seen, what is needed, how old the observation is, what would make it pass. */
export interface Guard {
  readonly id: GuardId;
  readonly ok: boolean;
  readonly value: string;
  readonly threshold: string;
  /** Age of the oldest observation behind it; null where age has no meaning. */
  readonly ageMs: number | null;
  /** What makes it pass; empty when it passes. */
  readonly toPass: string;
}
