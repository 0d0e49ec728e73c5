import type { Database } from '../../src/ovsdb/database.ts';
import type { Step } from './step.ts';

/** How one fault went, in milliseconds after it was made; null for what did not happen. */
export interface FaultTimes {
  readonly node: string;
  readonly database: Database;
  readonly foundMs: number | null;
  readonly preservedMs: number | null;
  /** The preserved copy lies in the store of the agent's host. */
  readonly copyIsThere: boolean;
  readonly healedMs: number | null;
}

export interface LedgerProof {
  readonly acknowledged: number;
  /** Acknowledged rows that a member does not have, by node. */
  readonly missing: Readonly<Record<string, number>>;
}

export interface FileProof {
  readonly name: string;
  readonly isClean: boolean;
  /** First line that `check-cluster` printed; empty when clean. */
  readonly words: string;
}

/** A heal between getting its turn and its end. */
export interface TurnSpan {
  readonly node: string;
  readonly database: Database;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface WithAgents {
  readonly faults: readonly FaultTimes[];
  readonly ledgers: Readonly<Record<Database, LedgerProof>>;
  readonly files: readonly FileProof[];
  /** All three files of a database at once. */
  readonly joint: readonly FileProof[];
  readonly turns: readonly TurnSpan[];
  readonly journal: { readonly entries: number; readonly badLines: number; readonly open: number };
  /** What each agent says of each database, `ok` when all is well. */
  readonly verdicts: readonly {
    readonly node: string;
    readonly database: Database;
    readonly verdict: string;
  }[];
  readonly words: readonly ServerWords[];
}

/** What a running server says of itself. */
export interface ServerWords {
  readonly node: string;
  readonly database: Database;
  readonly words: string;
}

export interface WithoutAgents {
  readonly ledgers: Readonly<Record<Database, LedgerProof>>;
  readonly words: readonly ServerWords[];
  /** The member that was never damaged and came back late. */
  readonly soundNode: string;
  /** How its servers ended: the line in which they say so, null while they run. */
  readonly ends: Readonly<Record<Database, string | null>>;
}

export interface Claim {
  readonly step: Step;
  readonly isTrue: boolean;
  readonly text: string;
}

/** Every claim of the demo, each true or not. All must be true. Pure. */
export function judge(withAgents: WithAgents, without: WithoutAgents): readonly Claim[] {
  const { faults, files, joint, turns, journal, verdicts } = withAgents;
  return [
    counted('detect', 'damaged files found while the servers ran', faults, ({ foundMs }) => foundMs !== null),
    counted(
      'preserve',
      'copies of the damaged files put aside first',
      faults,
      ({ copyIsThere }) => copyIsThere,
    ),
    counted('heal', 'files healed by a compaction in place', faults, ({ healedMs }) => healedMs !== null),
    oneAfterTheOther(turns),
    counted('file', 'files clean for ovsdb-tool check-cluster', files, isClean, nameOfDirty),
    counted('file', 'databases clean with their three files together', joint, isClean, nameOfDirty),
    complete('nb', withAgents.ledgers.nb),
    complete('sb', withAgents.ledgers.sb),
    {
      step: 'journal',
      isTrue: journal.entries > 0 && journal.badLines === 0 && journal.open === 0,
      text: `journals: ${String(journal.entries)} entries, ${String(journal.badLines)} unreadable, ${String(journal.open)} heals open`,
    },
    counted(
      'status',
      'verdicts of the agents are ok',
      verdicts,
      ({ verdict }) => verdict === 'ok',
      ({ node, database, verdict }) => `${node} says ${database.toUpperCase()} is ${verdict}`,
    ),
    lost('nb', without.ledgers.nb),
    lost('sb', without.ledgers.sb),
  ];
}

/** Acknowledged rows that no running member has. */
export function lostRows({ missing }: LedgerProof): number {
  const counts = Object.values(missing);
  return counts.length === 0 ? 0 : Math.min(...counts);
}

/** Times on which two heals held a turn at once: there must be none. Pure. */
export function overlaps(turns: readonly TurnSpan[]): number {
  const sorted = turns.toSorted((a, b) => a.fromMs - b.fromMs);
  return sorted.filter((turn, index) => turn.fromMs < (sorted[index - 1]?.toMs ?? 0)).length;
}

function oneAfterTheOther(turns: readonly TurnSpan[]): Claim {
  const count = overlaps(turns);
  return {
    step: 'heal',
    isTrue: count === 0,
    text: `${String(turns.length)} turns taken one after the other, ${String(count)} of them at the same time`,
  };
}

function complete(database: Database, { acknowledged, missing }: LedgerProof): Claim {
  const bad = Object.entries(missing).filter(([, count]) => count > 0);
  const nodes = Object.keys(missing);
  const name = `${database.toUpperCase()} with agents`;
  const text =
    bad.length === 0
      ? `${name}: all ${String(acknowledged)} acknowledged writes, read from each of ${nodes.join(', ')}`
      : `${name}: of ${String(acknowledged)} acknowledged writes, ${bad.map(([node, count]) => `${node} lacks ${String(count)}`).join(', ')}`;
  return { step: 'ledger', isTrue: bad.length === 0 && nodes.length === 3 && acknowledged > 0, text };
}

function lost(database: Database, ledger: LedgerProof): Claim {
  const count = lostRows(ledger);
  const of = `${String(count)} of ${String(ledger.acknowledged)}`;
  return {
    step: 'damage',
    isTrue: count > 0,
    text: `${database.toUpperCase()} without agents: ${of} acknowledged writes are gone`,
  };
}

function counted<T>(
  step: Step,
  what: string,
  items: readonly T[],
  isGood: (item: T) => boolean,
  name: (item: T) => string = () => '',
): Claim {
  const bad = items.filter((item) => !isGood(item));
  const names = bad.map(name).filter((text) => text !== '');
  const text = `${String(items.length - bad.length)} of ${String(items.length)} ${what}`;
  return {
    step,
    isTrue: bad.length === 0 && items.length > 0,
    text: names.length === 0 ? text : `${text}; ${names.join('; ')}`,
  };
}

function isClean(file: FileProof): boolean {
  return file.isClean;
}

function nameOfDirty({ name, words }: FileProof): string {
  return `${name}: ${words}`;
}
