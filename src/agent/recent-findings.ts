import type { RecentFinding } from '../diagnose/evidence.ts';
import type { Database } from '../ovsdb/database.ts';
import type { LogFinding } from '../watch/finding.ts';

const MAX_FINDINGS = 64;
/** A line says what was; after this long it says nothing about what is. */
const MAX_AGE_MS = 3_600_000;

/** The newest log findings of each database, bounded in number and age. Lines from before the first start count not. */
export class RecentFindings {
  readonly #kept: { readonly finding: LogFinding; readonly seenAtMs: number }[] = [];

  add(finding: LogFinding, nowMs: number): void {
    if (finding.historic) return;
    this.#kept.push({ finding, seenAtMs: nowMs });
    if (this.#kept.length > MAX_FINDINGS) this.#kept.shift();
  }

  of(database: Database, nowMs: number): readonly RecentFinding[] {
    return this.#kept
      .filter(({ finding, seenAtMs }) => finding.database === database && nowMs - seenAtMs <= MAX_AGE_MS)
      .map(({ finding }) => ({ signature: finding.signature, class: finding.class, at: finding.at }));
  }
}
