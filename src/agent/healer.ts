import type { Config } from '../config/schema.ts';
import type { CompactFacts, CompactLimits, TurnFact } from '../heal/compact-facts.ts';
import { passesAlone } from '../heal/compact-guards.ts';
import {
  type CompactContext,
  type CompactPort,
  type CompactReply,
  type HealEnd,
  compactInPlace,
  resumeCompaction,
} from '../heal/compact.ts';
import type { Journal, JournalEntry } from '../heal/journal.ts';
import { plan, refusalOfTurn } from '../heal/plan.ts';
import type { PlanDocument } from '../heal/status-document.ts';
import type { TurnAnswer, TurnKeeper, TurnRequest } from '../heal/turn.ts';
import type { Clock } from '../lib/clock.ts';
import type { Database } from '../ovsdb/database.ts';
import { type CompactionHistory, compactionHistory } from './heal-history.ts';
import type { Exchange } from './exchange.ts';
import { type Member, learnFromSiblings, viewOf } from './member.ts';

export interface HealerPort {
  readonly compact: (member: Member) => Promise<CompactReply>;
  readonly isPreserved: (sha256: string) => Promise<boolean>;
  readonly preserve: (member: Member, reason: string) => Promise<unknown>;
  readonly freeBytes: (path: string) => Promise<number>;
  readonly availableMemoryBytes: () => Promise<number>;
  readonly fileSizeBytes: (path: string) => Promise<number>;
  readonly onEnd: (database: Database, end: HealEnd) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
}

export interface HealerOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly keeper: TurnKeeper;
  readonly exchange: Exchange;
  readonly members: readonly Member[];
  readonly armed: () => CompactFacts['armed'];
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly port: HealerPort;
}

const PRESERVE_AGAIN_MS = 3_600_000;

/** Turns plans into acts, one at a time, for the members on this host only. */
export class Healer {
  readonly #options: HealerOptions;
  readonly #plans = new Map<Database, PlanDocument>();
  readonly #retryAtMs = new Map<Database, number>();
  readonly #preservedFor = new Map<Database, string>();
  #running: Database | null = null;

  constructor(options: HealerOptions) {
    this.#options = options;
  }

  /** The newest plan for each database, for `status` and `explain`. */
  planFor(database: Database): PlanDocument | null {
    return this.#plans.get(database) ?? null;
  }

  /** Ends what was left open, by an earlier life of this agent too, as far as that can be known. Acts on nothing new. */
  async resume(): Promise<void> {
    for (const open of this.#openHeals()) {
      const end = await resumeCompaction(this.#context(open.member, null), open.last);
      if (end.outcome !== 'running') this.#options.port.onEnd(open.member.database, end);
    }
  }

  /** One round: end what is open, plan for every member, act on the first that may be acted upon. */
  async round(): Promise<void> {
    await this.resume();
    for (const member of this.#options.members) {
      const document = plan(await this.#facts(member, { state: 'not-asked' }), this.#limits());
      this.#plans.set(member.database, document);
      if (document.remedy === 'preserve') await this.#preserveOnce(member, document.because);
      if (document.remedy === 'compact') await this.#compactWhenAllowed(member, document);
    }
  }

  /** Answers a sibling that wants to act: may it, as far as this agent can see? */
  async answerTurn(request: TurnRequest): Promise<TurnAnswer> {
    const { members, exchange, config } = this.#options;
    const member = members.find(({ database }) => database === request.database);
    if (member === undefined) return { granted: false, because: `${config.node} has no ${request.database}` };
    await Promise.all([member.watch.look(), exchange.pull(request.node)]);
    const { diagnosis, observation } = viewOf(member, exchange, config);
    const victimEvidence = observation.nodes.find(({ node }) => node === request.node)?.evidence ?? null;
    const objection = refusalOfTurn({ diagnosis, request, victimEvidence });
    // Nothing may be awaited from here on: a heal of our own could begin in between.
    const healing = this.#running ?? this.#openHeals()[0]?.member.database;
    const busy = healing === undefined ? null : `${config.node} is healing its own ${healing}`;
    return this.#options.keeper.request(request, busy ?? objection);
  }

  /** A sibling is done with its heal; only the one that was granted the turn can give it back. */
  releaseTurn(healId: string, caller: string): void {
    const { keeper } = this.#options;
    if (keeper.current()?.node === caller) keeper.release(healId);
  }

  async #compactWhenAllowed(member: Member, document: PlanDocument): Promise<void> {
    const { clock, config, keeper, port } = this.#options;
    if (!passesAlone(document.guards) || keeper.current() !== null) return;
    // While the end of one heal is not known, nothing else is begun on this host.
    if (this.#openHeals().length > 0) return;
    if (clock.monotonicMs() < (this.#retryAtMs.get(member.database) ?? 0)) return;
    this.#running = member.database;
    try {
      const turn = new HeldTurn(this.#options, member);
      const end = await compactInPlace(this.#context(member, turn), document);
      port.onEnd(member.database, end);
    } finally {
      this.#running = null;
      // Spread at random, so that two agents that refused each other do not meet again and again.
      const pauseMs = config.heal.retryMs * (1 + this.#options.random());
      this.#retryAtMs.set(member.database, clock.monotonicMs() + pauseMs);
    }
  }

  #openHeals(): { member: Member; last: JournalEntry }[] {
    const { journal, members } = this.#options;
    return journal.openHeals().flatMap((last) => {
      const member = members.find(({ database }) => database === last.database);
      return member === undefined ? [] : [{ member, last }];
    });
  }

  /**
   * Whatever a person will decide about this file, a copy of it will be there. Once for each inode and verdict, and
   * again after an hour: a file that only grows must not fill the disk with copies of itself.
   */
  async #preserveOnce(member: Member, because: string): Promise<void> {
    const { port, clock } = this.#options;
    const { file } = member.watch.evidence();
    const hour = Math.floor(clock.monotonicMs() / PRESERVE_AGAIN_MS);
    const occasion = `${file?.inode ?? ''}/${String(file?.report.problems.length ?? 0)}/${String(hour)}`;
    if (this.#preservedFor.get(member.database) === occasion) return;
    try {
      await port.preserve(member, because);
      this.#preservedFor.set(member.database, occasion);
    } catch (error) {
      port.onTrouble('preserve', error);
    }
  }

  #context(member: Member, turn: HeldTurn | null): CompactContext {
    const { config, journal, clock } = this.#options;
    const { compactTimeoutMs } = config.heal;
    return {
      database: member.database,
      node: config.node,
      journal,
      clock,
      compactTimeoutMs,
      port: this.#compactPort(member, turn),
    };
  }

  #compactPort(member: Member, turn: HeldTurn | null): CompactPort {
    return {
      acquireTurn: async (healId) =>
        turn === null ? { granted: false, because: 'resuming' } : await turn.acquire(healId),
      turnLeftMs: () => turn?.leftMs() ?? 0,
      releaseTurn: async (healId) => {
        await turn?.release(healId);
      },
      replan: async () => {
        await member.watch.look();
        await learnFromSiblings(member, this.#options.exchange);
        const fact: TurnFact = { state: 'held', leftMs: turn?.leftMs() ?? 0 };
        const document = plan(await this.#facts(member, fact), this.#limits());
        this.#plans.set(member.database, document);
        return document;
      },
      observeOwn: async (read) => await member.watch.look(read === 'full' ? 'full' : 'when-due'),
      compact: async () => await this.#options.port.compact(member),
    };
  }

  async #facts(member: Member, turn: TurnFact): Promise<CompactFacts> {
    const { config, clock, journal, exchange, port } = this.#options;
    const { observation, diagnosis } = viewOf(member, exchange, config);
    const sha256 = member.watch.evidence().rot?.preservedSha256 ?? null;
    const history: CompactionHistory = compactionHistory(journal.entries, member.database, clock.nowMs());
    return {
      node: config.node,
      mode: config.heal.mode,
      armed: this.#options.armed(),
      observation,
      diagnosis,
      fileSizeBytes: await port.fileSizeBytes(member.file),
      freeBytes: await port.freeBytes(member.file),
      availableMemoryBytes: await port.availableMemoryBytes(),
      preservedIsSafe: sha256 !== null && (await port.isPreserved(sha256)),
      sinceLastMs: history.sinceLastMs,
      compactionsToday: history.lastDay,
      turn,
    };
  }

  #limits(): CompactLimits {
    const { peer, scrub, heal, backup } = this.#options.config;
    return {
      staleAfterMs: peer.staleAfterMs,
      confirmAfterMs: scrub.confirmAfterMs,
      cooldownMs: heal.cooldownMs,
      compactionsPerDay: heal.compactionsPerDay,
      minFreeBytes: backup.minFreeBytes,
      minMemoryFactor: heal.minMemoryFactor,
    };
  }
}

/** The siblings' promise to keep still, on our own monotonic clock. */
class HeldTurn {
  readonly #options: HealerOptions;
  readonly #member: Member;
  #untilMs = 0;

  constructor(options: HealerOptions, member: Member) {
    this.#options = options;
    this.#member = member;
  }

  async acquire(healId: string): Promise<{ granted: boolean; because: string }> {
    const { config, clock, exchange } = this.#options;
    const { server } = this.#member.watch.evidence();
    if (server.state !== 'up' || server.status.clusterId === null)
      return { granted: false, because: 'own server is not up' };
    // Counted from before the question, so that our end of the turn always comes before a sibling's.
    const askedAtMs = clock.monotonicMs();
    const answer = await exchange.requestTurn({
      healId,
      node: config.node,
      database: this.#member.database,
      clusterId: server.status.clusterId,
      serverId: server.status.serverId,
      turnMs: config.heal.turnMs,
    });
    if (answer.granted) this.#untilMs = askedAtMs + config.heal.turnMs;
    return answer;
  }

  leftMs(): number {
    return Math.max(0, this.#untilMs - this.#options.clock.monotonicMs());
  }

  async release(healId: string): Promise<void> {
    this.#untilMs = 0;
    await this.#options.exchange.releaseTurn(healId);
  }
}
