import { randomUUID } from 'node:crypto';
import type { MemberEvidence } from '../diagnose/evidence.ts';
import { markKey } from '../diagnose/mark.ts';
import { type Clock, isoTime } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { commitIndexOf } from '../ovsdb/cluster-status.ts';
import type { Database } from '../ovsdb/database.ts';
import type { Guard } from './guard.ts';
import type { HealStep, Journal, JournalEntry } from './journal.ts';
import type { PlanDocument } from './status-document.ts';

export type CompactReply =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'refused'; readonly reason: string; readonly text: string };

/** What a compaction needs from outside. Every call has its own deadline and rejects with a `WardenError`. */
export interface CompactPort {
  /** Asks every sibling to keep still; the answer is a refusal as soon as one of them objects. */
  acquireTurn(healId: string): Promise<{ readonly granted: boolean; readonly because: string }>;
  /** Time left of the turn by our own monotonic clock; 0 when it is not held. */
  turnLeftMs(): number;
  releaseTurn(healId: string): Promise<void>;
  /** The plan again, from evidence that was taken after this call, on every host. */
  replan(): Promise<PlanDocument>;
  /** This node's own member, probed and read now; `full` reads every byte past the page cache. */
  observeOwn(read: 'new-bytes' | 'full'): Promise<MemberEvidence>;
  compact(): Promise<CompactReply>;
}

export interface CompactContext {
  readonly database: Database;
  readonly node: string;
  readonly journal: Journal;
  readonly port: CompactPort;
  readonly clock: Clock;
  /** A turn with less time left than this is not used any more: the compaction could outlive it. */
  readonly compactTimeoutMs: number;
}

/** How a heal ended; `running` when that cannot be known yet, and the heal stays open in the journal. */
export type HealEnd = Pick<JournalEntry, 'outcome' | 'detail' | 'healId'>;

/**
 * Runs one compaction from its plan to its end. Every way to end is a journalled outcome; rejects only when the journal
 * cannot be written.
 */
export async function compactInPlace(context: CompactContext, plan: PlanDocument): Promise<HealEnd> {
  const heal = new HealRecord(context, randomUUID());
  try {
    await heal.step('planned', plan.because);
    return await takeTurnAndCompact(context, heal);
  } catch (error) {
    // Once the server was asked, nothing but its file can tell what came of it.
    if (heal.mayHaveActed) return heal.leaveOpen(messageOf(error));
    return await heal.close('failed', messageOf(error));
  } finally {
    // A turn that the server may still need runs out by itself.
    if (!heal.isLeftOpen) await context.port.releaseTurn(heal.healId).catch(() => undefined);
  }
}

async function takeTurnAndCompact(context: CompactContext, heal: HealRecord): Promise<HealEnd> {
  const { port, compactTimeoutMs } = context;
  const turn = await port.acquireTurn(heal.healId);
  if (!turn.granted) return await heal.close('refused', turn.because);
  await heal.step('turn-held', turn.because);

  const plan = await port.replan();
  const refusal = refusalOf(plan);
  if (refusal !== null) return await heal.close('refused', refusal);
  const before = await port.observeOwn('new-bytes');
  const change = changeSincePlan(before);
  if (change !== null) return await heal.close('refused', change);
  await heal.step('confirmed', plan.because, { guards: plan.guards.map(guardInShort) });

  if (port.turnLeftMs() < compactTimeoutMs)
    return await heal.close('refused', 'the turn would end before the compaction');
  await heal.step('compacting', 'asking the server', { before: fingerprintOf(before) });
  heal.noteAct();
  const reply = await port.compact();
  if (reply.outcome === 'refused')
    return await heal.close('refused', `the server: ${reply.text}`, { reason: reply.reason });
  await heal.step('compacted', 'the server is done');
  return await verifyAndClose(port, heal, fingerprintOf(before), 0);
}

function changeSincePlan({ server, rot, file }: MemberEvidence): string | null {
  if (server.state !== 'up') return `its server is ${server.state}: ${server.detail}`;
  return rot === null || rot.inode !== file?.inode ? 'the damage is gone: the file is another one' : null;
}

/**
 * Ends a compaction that a crash of the agent interrupted. Nothing that the journal says is taken for the state of the
 * world: whether the server has compacted is read from the file (a compaction always makes a new inode). A server that
 * is silent, or that may still be writing in another thread, is not judged; the heal stays open then.
 */
export async function resumeCompaction(context: CompactContext, last: JournalEntry): Promise<HealEnd> {
  const heal = new HealRecord(context, last.healId);
  try {
    const asked = askedOf(context.journal, last.healId);
    if (asked === null)
      return await heal.close('abandoned', `the agent stopped after "${last.step}", before any effect`);
    const sinceAskedMs = context.clock.nowMs() - asked.atMs;
    // A clock that went back tells nothing; then the file decides at once.
    const leftMs = sinceAskedMs < 0 ? 0 : context.compactTimeoutMs - sinceAskedMs;
    return await verifyAndClose(context.port, heal, asked.before, leftMs);
  } catch (error) {
    return heal.leaveOpen(messageOf(error));
  }
}

/** `leftMs`: for how long a file that is still the same proves nothing. */
async function verifyAndClose(
  port: CompactPort,
  heal: HealRecord,
  before: Fingerprint,
  leftMs: number,
): Promise<HealEnd> {
  const after = await port.observeOwn('full');
  if (after.server.state === 'silent') return heal.leaveOpen('the server is silent: it may be compacting');
  if (after.file?.inode === before.inode) {
    if (leftMs > 0) return heal.leaveOpen('the file is the same so far: the server may be compacting');
    return await heal.close('abandoned', 'the server did not compact: the file is the same as before');
  }
  const objection = objectionTo(before, after);
  if (objection !== null) return await heal.close('failed', objection, { after: fingerprintOf(after) });
  await heal.step('verified', 'the new file was read whole', { after: fingerprintOf(after) });
  return await heal.close('healed', `${String(after.file?.report.records ?? 0)} records verified`);
}

/** The guards that do not pass, in one sentence; null when all pass. */
function refusalOf(plan: PlanDocument): string | null {
  if (plan.remedy !== 'compact') return `no longer wanted: ${plan.because}`;
  const failed = plan.guards.filter(({ ok }) => !ok);
  return failed.length === 0 ? null : failed.map(({ id, value }) => `${id}: ${value}`).join('; ');
}

function guardInShort({ id, ok, value }: Guard): string {
  return `${id} ${ok ? 'ok' : 'NO'} (${value})`;
}

/** What must be the same, or greater, on the other side of a compaction. */
interface Fingerprint {
  readonly inode: string;
  readonly clusterId: string | null;
  readonly serverId: string | null;
  readonly commitIndex: number;
  readonly mark: string | null;
}

function fingerprintOf({ server, file, ownMark }: MemberEvidence): Fingerprint {
  const status = server.state === 'up' ? server.status : null;
  return {
    inode: file?.inode ?? 'none',
    clusterId: status?.clusterId ?? null,
    serverId: status?.serverId ?? null,
    // Without a server, what the file shows is a lower bound.
    commitIndex: status === null ? (file?.report.commitIndex ?? 0) : commitIndexOf(status),
    mark: ownMark === null ? null : markKey(ownMark),
  };
}

function objectionTo(before: Fingerprint, evidence: MemberEvidence): string | null {
  const after = fingerprintOf(evidence);
  const report = evidence.file?.report;
  if (report === undefined) return 'the new file could not be read';
  if (!report.ok)
    return `the new file has a ${report.problems[0]?.kind ?? 'problem'}: ${report.problems[0]?.detail ?? ''}`;
  if (report.clusterId !== before.clusterId || report.serverId !== before.serverId)
    return 'the new file has another identity';
  if (after.commitIndex < before.commitIndex) {
    return `commit index fell from ${String(before.commitIndex)} to ${String(after.commitIndex)}`;
  }
  // Unknown is no loss: a commit between the last look and the compaction puts the mark below the snapshot.
  const lost = evidence.standings.find(
    ({ mark, standing }) =>
      markKey(mark) === before.mark && (standing === 'beyond' || standing === 'contradicted'),
  );
  return lost === undefined ? null : `the member's own mark is ${lost.standing} in the new file`;
}

/** When the server was asked, and what was there before; null when it was not asked. */
function askedOf(journal: Journal, healId: string): { before: Fingerprint; atMs: number } | null {
  const entry = journal.entries.find(
    (candidate) => candidate.healId === healId && candidate.step === 'compacting',
  );
  const before = entry?.facts['before'];
  return entry !== undefined && isFingerprint(before) ? { before, atMs: Date.parse(entry.at) } : null;
}

function isFingerprint(value: unknown): value is Fingerprint {
  return (
    typeof value === 'object' &&
    value !== null &&
    'inode' in value &&
    'commitIndex' in value &&
    'mark' in value
  );
}

/** Writes one heal's entries. */
class HealRecord {
  readonly healId: string;
  readonly #context: CompactContext;
  #mayHaveActed = false;
  #isLeftOpen = false;

  constructor(context: CompactContext, healId: string) {
    this.#context = context;
    this.healId = healId;
  }

  /** Was the server, perhaps, asked to compact? */
  get mayHaveActed(): boolean {
    return this.#mayHaveActed;
  }

  noteAct(): void {
    this.#mayHaveActed = true;
  }

  get isLeftOpen(): boolean {
    return this.#isLeftOpen;
  }

  /** Ends nothing: the journal's last word stays what it is, and the heal is resumed later. */
  leaveOpen(detail: string): HealEnd {
    this.#isLeftOpen = true;
    return { outcome: 'running', detail, healId: this.healId };
  }

  async step(step: HealStep, detail: string, facts: Record<string, unknown> = {}): Promise<void> {
    await this.#append(step, 'running', detail, facts);
  }

  async close(
    outcome: HealEnd['outcome'],
    detail: string,
    facts: Record<string, unknown> = {},
  ): Promise<HealEnd> {
    await this.#append('closed', outcome, detail, facts);
    return { outcome, detail, healId: this.healId };
  }

  async #append(
    step: HealStep,
    outcome: HealEnd['outcome'],
    detail: string,
    facts: Record<string, unknown>,
  ): Promise<void> {
    const { journal, database, node, clock } = this.#context;
    const at = isoTime(clock.nowMs());
    await journal.append({
      at,
      healId: this.healId,
      database,
      node,
      remedy: 'compact',
      step,
      outcome,
      detail,
      facts,
    });
  }
}
