import { z } from 'zod';
import type { MemberEvidence, NodeView, Observation } from '../diagnose/evidence.ts';
import { memberEvidenceSchema } from '../diagnose/evidence-schema.ts';
import type { TurnRequest } from '../heal/turn.ts';
import type { Clock } from '../lib/clock.ts';
import { WardenError, messageOf } from '../lib/errors.ts';
import { DATABASES, type Database } from '../ovsdb/database.ts';
import type { PeerClient } from '../peers/peer-client.ts';

/** Paths of the exchange between agents. */
export const PEER_PATHS = {
  state: '/peer/v1/state',
  turn: '/peer/v1/turn',
  release: '/peer/v1/turn/release',
} as const;

export const peerStateSchema = z.strictObject({
  node: z.string().max(253),
  members: z.array(memberEvidenceSchema).max(DATABASES.length),
});

export type PeerState = z.infer<typeof peerStateSchema>;

export const turnRequestSchema: z.ZodType<TurnRequest> = z.strictObject({
  healId: z.string().min(1).max(64),
  node: z.string().min(1).max(253),
  database: z.enum(DATABASES),
  clusterId: z.string().max(64),
  serverId: z.string().max(64),
  turnMs: z.int().min(1).max(3_600_000),
});

export const turnReplySchema = z.strictObject({
  granted: z.boolean(),
  because: z.string().max(2_048),
  state: peerStateSchema,
});

export const releaseSchema = z.strictObject({ healId: z.string().min(1).max(64) });

export interface Sibling {
  readonly node: string;
  readonly url: string;
}

interface Received {
  readonly members: readonly MemberEvidence[];
  readonly atMonotonicMs: number;
}

export interface ExchangeOptions {
  readonly node: string;
  readonly siblings: readonly Sibling[];
  readonly client: PeerClient;
  readonly clock: Clock;
  readonly onAnswer: (node: string, outcome: 'ok' | 'unreachable' | 'refused' | 'invalid') => void;
  readonly onTrouble: (node: string, error: unknown) => void;
}

/** Knows the newest word of every sibling, and asks the siblings for more. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #received = new Map<string, Received>();

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  /**
   * Asks every sibling, or the named one, for its state, side by side. A sibling that does not answer leaves its last
   * word ageing.
   */
  async pull(only?: string): Promise<void> {
    const { siblings, client, onAnswer, onTrouble } = this.#options;
    await Promise.all(
      siblings.map(async (sibling) => {
        if (only !== undefined && only !== sibling.node) return;
        try {
          this.#take(sibling, await client.getJson(sibling, PEER_PATHS.state, peerStateSchema));
          onAnswer(sibling.node, 'ok');
        } catch (error) {
          onAnswer(sibling.node, outcomeOf(error));
          onTrouble(sibling.node, error);
        }
      }),
    );
  }

  /**
   * Asks every sibling to keep still. Their answers carry evidence that each of them took after it was asked.
   * A single refusal or silence is a refusal.
   */
  async requestTurn(request: TurnRequest): Promise<{ granted: boolean; because: string }> {
    const { siblings, client } = this.#options;
    const refusals: string[] = [];
    await Promise.all(
      siblings.map(async (sibling) => {
        try {
          const reply = await client.postJson(sibling, PEER_PATHS.turn, request, turnReplySchema);
          this.#take(sibling, reply.state);
          if (!reply.granted) refusals.push(`${sibling.node}: ${reply.because}`);
        } catch (error) {
          refusals.push(`${sibling.node}: ${messageOf(error)}`);
        }
      }),
    );
    if (refusals.length > 0) return { granted: false, because: refusals.toSorted().join('; ') };
    return { granted: true, because: `${String(siblings.length)} siblings keep still` };
  }

  async releaseTurn(healId: string): Promise<void> {
    const { siblings, client, onTrouble } = this.#options;
    await Promise.all(
      siblings.map(async (sibling) => {
        try {
          await client.postJson(sibling, PEER_PATHS.release, { healId }, z.unknown());
        } catch (error) {
          onTrouble(sibling.node, error);
        }
      }),
    );
  }

  /** One database as all agents see it now: this node's own member (null: not looked at yet) and the siblings' words. */
  observe(database: Database, own: MemberEvidence, ownAgeMs: number | null): Observation {
    const { node, siblings, clock } = this.#options;
    const nodes: NodeView[] = [{ node, evidence: ownAgeMs === null ? null : own, ageMs: ownAgeMs }];
    for (const sibling of siblings) {
      const received = this.#received.get(sibling.node);
      const evidence = received?.members.find((member) => member.database === database) ?? null;
      const ageMs =
        received === undefined || evidence === null ? null : clock.monotonicMs() - received.atMonotonicMs;
      nodes.push({ node: sibling.node, evidence, ageMs });
    }
    return { database, nodes: nodes.toSorted((a, b) => a.node.localeCompare(b.node)) };
  }

  /** Evidence about one database as the siblings sent it last. */
  fromSiblings(database: Database): readonly MemberEvidence[] {
    return [...this.#received.values()].flatMap(({ members }) =>
      members.filter((member) => member.database === database),
    );
  }

  /** A sibling speaks for its own members only. */
  #take(sibling: Sibling, state: PeerState): void {
    const members = state.members.filter((member) => member.node === sibling.node);
    if (state.node !== sibling.node)
      throw new WardenError(
        'reply-invalid',
        `wanted the state of ${sibling.node}, got that of ${state.node}`,
      );
    this.#received.set(sibling.node, { members, atMonotonicMs: this.#options.clock.monotonicMs() });
  }
}

function outcomeOf(error: unknown): 'unreachable' | 'refused' | 'invalid' {
  if (!(error instanceof WardenError)) return 'unreachable';
  if (error.code === 'peer-refused') return 'refused';
  return error.code === 'reply-invalid' ? 'invalid' : 'unreachable';
}
