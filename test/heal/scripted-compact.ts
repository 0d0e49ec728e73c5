import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { MemberEvidence, ServerEvidence } from '../../src/diagnose/evidence.ts';
import type { Standing } from '../../src/diagnose/mark.ts';
import {
  type CompactContext,
  type CompactPort,
  type CompactReply,
  type HealEnd,
  compactInPlace,
  resumeCompaction,
} from '../../src/heal/compact.ts';
import { type HealStep, Journal } from '../../src/heal/journal.ts';
import { plan } from '../../src/heal/plan.ts';
import type { PlanDocument } from '../../src/heal/status-document.ts';
import { LIMITS, factsOf, rottenCluster } from '../support/compact-facts.ts';
import { withReport, withStatus } from '../support/evidence.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

export const COMPACT_TIMEOUT_MS = 30_000;
const SILENT: ServerEvidence = { state: 'silent', detail: 'no answer' };

/**
 * A member with a rotten file and all that a compaction needs from outside, as plain state that a test changes. The
 * server makes a new inode when it compacts, whether or not the agent lives to see it.
 */
export class ScriptedPort implements CompactPort {
  turn: { granted: boolean; because: string } = { granted: true, because: '2 siblings keep still' };
  leftMs = 100_000;
  wanted: PlanDocument = plan(factsOf(), LIMITS);
  reply: CompactReply | Error = { outcome: 'done' };
  /** Does the server compact when it is asked, whatever the agent hears of it? */
  compacts = true;
  isSilent = false;
  isGone = false;
  /** What is found in the file that the server has made. */
  newFile: (evidence: MemberEvidence) => MemberEvidence = (evidence) => evidence;
  observeFails = false;
  hasCompacted = false;
  readonly calls: string[] = [];

  acquireTurn(): Promise<{ granted: boolean; because: string }> {
    this.calls.push('turn');
    return Promise.resolve(this.turn);
  }

  turnLeftMs(): number {
    return this.leftMs;
  }

  releaseTurn(): Promise<void> {
    this.calls.push('release');
    return Promise.resolve();
  }

  replan(): Promise<PlanDocument> {
    this.calls.push('replan');
    return Promise.resolve(this.wanted);
  }

  observeOwn(read: 'new-bytes' | 'full'): Promise<MemberEvidence> {
    this.calls.push(`observe ${read}`);
    if (this.observeFails) return Promise.reject(new Error('the disk is gone'));
    return Promise.resolve(this.#evidence());
  }

  compact(): Promise<CompactReply> {
    this.calls.push('compact');
    if (this.compacts) this.hasCompacted = true;
    return this.reply instanceof Error ? Promise.reject(this.reply) : Promise.resolve(this.reply);
  }

  #evidence(): MemberEvidence {
    const rotten = rottenCluster()[2];
    assert.ok(rotten?.file);
    const compacted: MemberEvidence = {
      ...withReport({ ok: true, problems: [], records: 9 })(rotten),
      rot: null,
    };
    const now = this.hasCompacted ? this.newFile(withInode(compacted, '64768:99')) : rotten;
    if (this.isGone) return { ...now, server: { state: 'down', detail: 'nobody listens' } };
    return this.isSilent ? { ...now, server: SILENT } : now;
  }
}

function withInode(evidence: MemberEvidence, inode: string): MemberEvidence {
  return { ...evidence, file: evidence.file && { ...evidence.file, inode } };
}

/** The own mark of the member with another standing. */
export function withOwnMark(standing: Standing): (evidence: MemberEvidence) => MemberEvidence {
  return (evidence) => ({
    ...evidence,
    standings: evidence.standings.map((entry) =>
      entry.mark.node === evidence.node ? { ...entry, standing } : entry,
    ),
  });
}

export function withCommit(index: number): (evidence: MemberEvidence) => MemberEvidence {
  return (evidence) =>
    withReport({ commitIndex: index })(
      withStatus({ log: { start: index, end: index + 1 }, uncommitted: 0 })(evidence),
    );
}

export interface HealWorld {
  readonly port: ScriptedPort;
  readonly clock: ManualClock;
  run(journal?: Journal): Promise<HealEnd>;
  /** A new life of the agent: ends every open heal, as far as that can be done now. */
  restart(): Promise<HealEnd[]>;
  journal(): Promise<Journal>;
  steps(): Promise<[HealStep, string][]>;
}

export async function makeHealWorld(t: TestContext): Promise<HealWorld> {
  const path = join(await temporaryDirectory(t), 'journal.jsonl');
  const port = new ScriptedPort();
  const clock = new ManualClock();
  const open = async (): Promise<Journal> => {
    const journal = await Journal.open(path, () => assert.fail('a bad line'));
    t.after(() => journal.close());
    return journal;
  };
  const contextOf = (journal: Journal): CompactContext => ({
    database: 'nb',
    node: 'n3',
    journal,
    port,
    clock,
    compactTimeoutMs: COMPACT_TIMEOUT_MS,
  });
  return {
    port,
    clock,
    journal: open,
    async run(journal) {
      return await compactInPlace(contextOf(journal ?? (await open())), port.wanted);
    },
    async restart() {
      const journal = await open();
      const ends: HealEnd[] = [];
      for (const last of journal.openHeals()) ends.push(await resumeCompaction(contextOf(journal), last));
      return ends;
    },
    async steps() {
      const { entries } = await open();
      return entries.map(({ step, outcome }) => [step, outcome]);
    },
  };
}

/** A journal with which the agent dies as soon as `step` is on the disk: nothing after it ever happens. */
export function dyingAfter(journal: Journal, step: HealStep): { journal: Journal; died: Promise<void> } {
  const { promise: died, resolve } = Promise.withResolvers<undefined>();
  const dying = new Proxy(journal, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (key !== 'append') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      return async (entry: Parameters<Journal['append']>[0]) => {
        const written = await target.append(entry);
        if (entry.step !== step) return written;
        resolve(undefined);
        return await new Promise<never>(() => undefined);
      };
    },
  });
  return { journal: dying, died };
}
