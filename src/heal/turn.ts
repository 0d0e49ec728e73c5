import type { Clock } from '../lib/clock.ts';
import type { Database } from '../ovsdb/database.ts';

/** What an agent asks of each sibling before it acts: keep still while I do this one thing. */
export interface TurnRequest {
  readonly healId: string;
  readonly node: string;
  readonly database: Database;
  readonly clusterId: string;
  readonly serverId: string;
  readonly turnMs: number;
}

export type TurnAnswer = { readonly granted: true } | { readonly granted: false; readonly because: string };

interface Holder {
  readonly healId: string;
  readonly node: string;
  readonly untilMs: number;
}

/**
 * One agent's promise to act on nothing, and to let nobody else act, while one heal runs anywhere in the cluster.
 *
 * A heal needs this promise from every sibling, so two heals never overlap. The promise lives in memory only: after a
 * restart the keeper has forgotten it, and therefore refuses everybody until any promise it may have made has run out.
 */
export class TurnKeeper {
  readonly #clock: Clock;
  readonly #maxTurnMs: number;
  readonly #refuseUntilMs: number;
  #holder: Holder | null = null;

  constructor(clock: Clock, maxTurnMs: number) {
    this.#clock = clock;
    this.#maxTurnMs = maxTurnMs;
    this.#refuseUntilMs = clock.monotonicMs() + maxTurnMs;
  }

  /** Grants, renews for the same heal, or says who holds the turn. `objection` is this agent's own reason to refuse. */
  request(request: TurnRequest, objection: string | null): TurnAnswer {
    if (objection !== null) return refused(objection);
    // A longer promise would outlast the time for which a restarted keeper refuses everybody.
    if (request.turnMs > this.#maxTurnMs)
      return refused(`a turn of ${String(request.turnMs)} ms is longer than ${String(this.#maxTurnMs)} ms`);
    const nowMs = this.#clock.monotonicMs();
    const current = this.current();
    if (current !== null && current.healId !== request.healId)
      return refused(`${current.node} holds the turn`);
    if (current === null && nowMs < this.#refuseUntilMs) {
      return refused(
        `started only now; promises made before end in ${String(Math.ceil(this.#refuseUntilMs - nowMs))} ms`,
      );
    }
    this.#holder = { healId: request.healId, node: request.node, untilMs: nowMs + request.turnMs };
    return { granted: true };
  }

  release(healId: string): void {
    if (this.#holder?.healId === healId) this.#holder = null;
  }

  /** Who holds this agent's promise now. */
  current(): { readonly healId: string; readonly node: string } | null {
    if (this.#holder !== null && this.#clock.monotonicMs() >= this.#holder.untilMs) this.#holder = null;
    return this.#holder;
  }
}

function refused(because: string): TurnAnswer {
  return { granted: false, because };
}
