import type { CopyItem } from '../backup/copy-item.ts';
import type { Config } from '../config/schema.ts';
import type { BackupDocument, HealDocument, PlanDocument, StatusDocument } from '../heal/status-document.ts';
import type { Database } from '../ovsdb/database.ts';
import type { MemberView } from './member.ts';

export interface StatusParts {
  readonly config: Config;
  readonly version: string;
  readonly at: string;
  readonly armed: StatusDocument['armed'];
  readonly views: readonly MemberView[];
  readonly planFor: (database: Database) => PlanDocument | null;
  readonly heals: readonly HealDocument[];
  readonly copies: readonly CopyItem[];
}

/** Puts together what `GET /api/v1/status` answers. Pure. */
export function statusDocument(parts: StatusParts): StatusDocument {
  const { config, version, at, armed, views, planFor, heals, copies } = parts;
  return {
    node: config.node,
    version,
    at,
    mode: config.heal.mode,
    armed,
    databases: views.map(({ diagnosis, observation }) => ({
      diagnosis,
      members: observation.nodes.map(({ node, ageMs, evidence }) => ({ node, ageMs, evidence })),
      plan: planFor(diagnosis.database),
    })),
    heals,
    backups: views.map(({ diagnosis }) => backupDocument(diagnosis.database, copies)),
  };
}

function backupDocument(database: Database, copies: readonly CopyItem[]): BackupDocument {
  const backups = copies.filter((item) => item.kind === 'backup' && item.database === database);
  const newest = backups.findLast((item) => item.verdict.state === 'verified');
  return { database, newestVerifiedAt: newest?.confirmedAt ?? null, items: backups.length };
}
