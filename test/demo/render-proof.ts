import { DATABASES } from '../../src/ovsdb/database.ts';
import {
  type Claim,
  type FaultTimes,
  type ServerWords,
  type WithAgents,
  type WithoutAgents,
  lostRows,
} from './proof.ts';
import { paint } from './timeline.ts';

type Row = readonly [label: string, withAgents: string, without: string];

/** Both worlds side by side. */
export function renderComparison(withAgents: WithAgents, without: WithoutAgents): readonly string[] {
  const rows: Row[] = [['', 'with agents', 'without agents']];
  for (const database of DATABASES) {
    const name = database.toUpperCase();
    const a = withAgents.ledgers[database];
    const b = without.ledgers[database];
    rows.push([`${name} writes acknowledged`, String(a.acknowledged), String(b.acknowledged)]);
    rows.push([`${name} writes lost`, String(lostRows(a)), String(lostRows(b))]);
  }
  rows.push(['servers that run', String(withAgents.words.length), String(without.words.length)]);
  rows.push(['what they say', distinct(withAgents.words), distinct(without.words)]);
  for (const database of DATABASES) {
    const alive = withAgents.words.find(
      (word) => word.node === without.soundNode && word.database === database,
    );
    rows.push([
      `${database.toUpperCase()} server of ${without.soundNode}`,
      alive?.words ?? 'does not run',
      without.ends[database] ?? 'still runs',
    ]);
  }
  return align(rows);
}

/** From the fault to its finding, its copy and its end. */
export function renderTimes(faults: readonly FaultTimes[]): readonly string[] {
  const rows: string[][] = [['fault', 'found after', 'copied after', 'healed after']];
  for (const { node, database, foundMs, preservedMs, healedMs } of faults) {
    rows.push([
      `${database.toUpperCase()} of ${node}`,
      seconds(foundMs),
      seconds(preservedMs),
      seconds(healedMs),
    ]);
  }
  return align(rows);
}

export function renderClaims(claims: readonly Claim[], isColoured: boolean): readonly string[] {
  return claims.map(({ isTrue, step, text }) => {
    const mark = paint(isTrue ? 'true ' : 'FALSE', isTrue ? 'good' : 'bad', isColoured);
    return `  ${mark}  ${step.padEnd(8)}  ${text}`;
  });
}

function distinct(words: readonly ServerWords[]): string {
  return [...new Set(words.map((word) => word.words))].join('; ');
}

function align(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd(),
  );
}

function seconds(ms: number | null): string {
  return ms === null ? 'never' : `${(ms / 1_000).toFixed(1)} s`;
}
