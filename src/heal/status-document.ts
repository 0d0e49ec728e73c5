import type { MemberEvidence } from '../diagnose/evidence.ts';
import type { Diagnosis } from '../diagnose/verdict.ts';
import type { Database } from '../ovsdb/database.ts';
import type { Guard } from './guard.ts';

export type RemedyName = 'compact' | 'preserve' | 'none';

/** What the agent would do for its own member of one database, with every guard. */
export interface PlanDocument {
  readonly database: Database;
  readonly node: string;
  readonly remedy: RemedyName;
  /** Why this remedy, or why none. */
  readonly because: string;
  readonly guards: readonly Guard[];
}

export interface HealDocument {
  readonly healId: string;
  readonly database: Database;
  readonly node: string;
  readonly remedy: RemedyName;
  readonly startedAt: string;
  readonly step: string;
  readonly outcome: 'running' | 'healed' | 'refused' | 'failed' | 'abandoned';
  readonly detail: string;
}

export interface BackupDocument {
  readonly database: Database;
  readonly newestVerifiedAt: string | null;
  readonly items: number;
}

/** `GET /api/v1/status`: what one agent knows, of all members of both databases. A contract for programs. */
export interface StatusDocument {
  readonly node: string;
  readonly version: string;
  readonly at: string;
  readonly mode: 'auto' | 'observe';
  readonly armed: { readonly armed: boolean; readonly because: string };
  readonly databases: readonly {
    readonly diagnosis: Diagnosis;
    readonly members: readonly {
      readonly node: string;
      readonly ageMs: number | null;
      readonly evidence: MemberEvidence | null;
    }[];
    readonly plan: PlanDocument | null;
  }[];
  /** Newest last, bounded. */
  readonly heals: readonly HealDocument[];
  readonly backups: readonly BackupDocument[];
}
