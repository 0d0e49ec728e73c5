import type { ClusterVerdict, MemberVerdict } from '../../src/diagnose/verdict.ts';
import type { Guard } from '../../src/heal/guard.ts';
import type { PlanDocument, RemedyName, StatusDocument } from '../../src/heal/status-document.ts';
import { DATABASES, type Database } from '../../src/ovsdb/database.ts';
import { exampleEvidence } from './example-evidence.ts';

type DatabaseStatus = StatusDocument['databases'][number];

const CLUSTER_ID = 'ca7906e3-e871-4d66-851e-11f1f96c6933';
const SERVER_ID = '5c631e1c-962e-4ae9-bc41-6c562e9e005a';

/** Agent a of three healthy members of both databases, armed, with one heal behind it. */
export function exampleStatusDocument(): StatusDocument {
  return {
    node: 'a',
    version: '0.1.0',
    at: '2026-11-24T03:00:12.000Z',
    mode: 'auto',
    armed: { armed: true, because: 'every member has been healthy for 10 min' },
    databases: DATABASES.map((database) => exampleDatabase(database)),
    heals: [
      {
        healId: '2026-11-24T02-00-00Z-nb-b',
        database: 'nb',
        node: 'b',
        remedy: 'compact',
        startedAt: '2026-11-24T02:00:00.000Z',
        step: 'done',
        outcome: 'healed',
        detail: 'the new file is sound',
      },
    ],
    backups: DATABASES.map((database) => ({
      database,
      newestVerifiedAt: '2026-11-24T02:17:00.000Z',
      items: 3,
    })),
  };
}

export function exampleDatabase(database: Database): DatabaseStatus {
  const nodes = ['a', 'b', 'c'];
  return {
    diagnosis: {
      database,
      cluster: 'ok',
      because: 'all 3 members are healthy',
      leader: { node: 'a', serverId: SERVER_ID, clusterId: CLUSTER_ID, term: 2 },
      members: nodes.map((node) => ({ node, verdict: 'healthy', because: 'server and file are sound' })),
      frozen: false,
    },
    members: nodes.map((node) => ({
      node,
      ageMs: 3_000,
      evidence: exampleEvidence(node, database, node === 'a'),
    })),
    plan: examplePlan(database, 'none', []),
  };
}

export function examplePlan(database: Database, remedy: RemedyName, guards: readonly Guard[]): PlanDocument {
  return {
    database,
    node: 'a',
    remedy,
    because: remedy === 'none' ? 'the member is healthy' : 'rotten',
    guards,
  };
}

/** The example with other words for one database: its cluster verdict, its members' verdicts, its plan. */
export function withTrouble(
  database: Database,
  change: {
    readonly cluster?: ClusterVerdict;
    readonly because?: string;
    readonly members?: readonly MemberVerdict[];
    readonly plan?: PlanDocument;
  },
): StatusDocument {
  const status = exampleStatusDocument();
  const databases = status.databases.map((entry) => {
    if (entry.diagnosis.database !== database) return entry;
    const { plan, ...diagnosis } = change;
    return { ...entry, plan: plan ?? entry.plan, diagnosis: { ...entry.diagnosis, ...diagnosis } };
  });
  return { ...status, databases };
}
