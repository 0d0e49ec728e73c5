import { messageOf } from '../../src/lib/errors.ts';
import { waitFor } from '../engine/support/index.ts';

/** What the demo shows, in order. */
export const STEPS = [
  'start',
  'arm',
  'damage',
  'detect',
  'preserve',
  'heal',
  'reboot',
  'late',
  'file',
  'ledger',
  'journal',
  'status',
] as const;

export type Step = (typeof STEPS)[number];

/** Steps that can be broken on purpose, and how. */
export const BREAKABLE = {
  damage: 'nothing is damaged where no agents run, so that nothing is lost there',
  detect: 'the agents read only new bytes, and a flipped bit among old ones stays unseen',
  preserve: 'a plain file lies where the agents keep their copies',
  heal: 'the agents may only observe',
  file: 'one bit of a healed file is flipped right before the proof',
  ledger: 'one acknowledged row is deleted right before the proof',
} as const satisfies Partial<Record<Step, string>>;

export type BreakableStep = keyof typeof BREAKABLE;

export class StepError extends Error {
  readonly step: Step;

  constructor(step: Step, message: string, cause?: unknown) {
    super(message, { cause });
    this.step = step;
  }
}

/** Gives an error that passes through it the name of the step. */
export async function within<T>(step: Step, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw error instanceof StepError ? error : new StepError(step, messageOf(error), error);
  }
}

/** A bounded wait that names its step and, when it fails, says what was waited for and what `state` is instead. */
export async function waitIn<T>(
  step: Step,
  what: string,
  timeoutMs: number,
  look: () => T | undefined | Promise<T | undefined>,
  state: () => string = () => '',
): Promise<T> {
  try {
    return await waitFor(what, look, timeoutMs);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const why = cause === undefined ? state() : messageOf(cause);
    const seconds = String(Math.round(timeoutMs / 1_000));
    throw new StepError(
      step,
      `waited ${seconds} s in vain for ${what}${why === '' ? '' : `: ${why}`}`,
      error,
    );
  }
}
