import type { Clock } from '../lib/clock.ts';
import { type Arming, type ArmingView, explainArming, loadArming, nextArming, saveArming } from './arming.ts';

/** The agent's durable state of arming. */
export interface Armory {
  state(): { readonly armed: boolean; readonly because: string };
  /** Takes in one more round of judgements. */
  update(views: readonly ArmingView[]): Promise<void>;
}

export async function createArmory(path: string, armAfterMs: number, clock: Clock): Promise<Armory> {
  let arming: Arming = await loadArming(path);
  return {
    state: () => ({ armed: arming.armed, because: explainArming(arming, clock.nowMs(), armAfterMs) }),
    async update(views) {
      const next = nextArming(arming, views, clock.nowMs(), armAfterMs);
      if (JSON.stringify(next) === JSON.stringify(arming)) return;
      await saveArming(path, next);
      arming = next;
    },
  };
}
