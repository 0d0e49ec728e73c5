import { Registry } from 'prom-client';
import { COPY_KINDS, type CopyKind } from '../backup/copy-item.ts';
import type { HealDocument, StatusDocument } from '../heal/status-document.ts';
import type { WardenError } from '../lib/errors.ts';
import type { Database } from '../ovsdb/database.ts';
import { PROBLEM_KINDS, type ProblemKind } from '../ovsdb/file-report.ts';
import { SIGNATURE_CLASSES, type SignatureClass } from '../watch/finding.ts';
import { openCorruptionLedger } from './corruption-ledger.ts';
import { addDefaultMetrics, counter, gauge } from './series.ts';
import { createStatusMetrics } from './status-metrics.ts';

const PEER_OUTCOMES = ['ok', 'unreachable', 'refused', 'invalid'] as const;
export type PeerOutcome = (typeof PEER_OUTCOMES)[number];

const REMEDIES = ['compact', 'preserve'] as const;
const HEAL_OUTCOMES = ['healed', 'refused', 'failed', 'abandoned'] as const;
const BACKUP_OUTCOMES = ['verified', 'suspect', 'failed'] as const;
/** The label of log lines that name no database. */
const NO_DATABASE = 'none';

export interface MetricsOptions {
  readonly node: string;
  readonly version: string;
  /** The configured ones. */
  readonly databases: readonly Database[];
  /** The other configured nodes. */
  readonly siblings: readonly string[];
  readonly stateDir: string;
  /** Called when the counts of corruption on disk cannot be understood. */
  readonly onProblem: (error: WardenError) => void;
}

/** Everything that is counted, in the words of the agent. Metric names are in `docs/reference/metrics.md`. */
export interface Metrics {
  /** Prometheus text format, from the last observed status and the counts. */
  render(): Promise<string>;
  observe(status: StatusDocument): void;
  /** Damage in the own file, once for each new finding. Resolves when the count would outlive a power cut. */
  corruptionFound(database: Database, kind: ProblemKind, atMs: number): Promise<void>;
  findingSeen(database: Database | null, findingClass: SignatureClass): void;
  tailLines(lines: number): void;
  scrubbed(database: Database, sizeBytes: number): void;
  healEnded(
    database: Database,
    remedy: 'compact' | 'preserve',
    outcome: Exclude<HealDocument['outcome'], 'running'>,
  ): void;
  backupEnded(database: Database, outcome: (typeof BACKUP_OUTCOMES)[number]): void;
  copiesHeld(kind: CopyKind, sizeBytes: number): void;
  copiesBudget(sizeBytes: number): void;
  peerAsked(node: string, outcome: PeerOutcome): void;
  certificateExpiry(expiresAtMs: number): void;
}

/** Makes every series at once, so that `absent()` in an alert means that the agent is gone and nothing else. */
export async function createMetrics(options: MetricsOptions): Promise<Metrics> {
  const registry = new Registry();
  addDefaultMetrics(registry);
  gauge(registry, 'build_info', 'Constant 1; what runs here.', {
    node: [options.node],
    version: [options.version],
    node_version: [process.version],
  }).set({ node: options.node, version: options.version, node_version: process.version }, 1);
  const ledger = await openCorruptionLedger(options.stateDir, options.onProblem);
  const observe = createStatusMetrics(registry, options.databases, [options.node, ...options.siblings]);
  const corruption = createCorruptionSeries(registry, options.databases);
  for (const database of options.databases) {
    for (const kind of PROBLEM_KINDS) corruption.found.inc({ database, kind }, ledger.count(database, kind));
    corruption.lastSeen.set({ database }, ledger.lastSeenMs(database) / 1_000);
  }
  return {
    ...createEventMetrics(registry, options),
    render: () => registry.metrics(),
    observe,
    async corruptionFound(database, kind, atMs) {
      corruption.found.inc({ database, kind });
      corruption.lastSeen.set({ database }, atMs / 1_000);
      await ledger.record(database, kind, atMs);
    },
  };
}

function createCorruptionSeries(registry: Registry, database: readonly Database[]) {
  return {
    found: counter(registry, 'corruption_found_total', 'Findings of damage in the own file, ever.', {
      database,
      kind: PROBLEM_KINDS,
    }),
    lastSeen: gauge(
      registry,
      'corruption_last_seen_timestamp_seconds',
      'Time of the newest finding of damage; 0 when never.',
      { database },
    ),
  };
}

type EventMetrics = Omit<Metrics, 'render' | 'observe' | 'corruptionFound'>;

function createEventMetrics(registry: Registry, options: MetricsOptions): EventMetrics {
  const database = options.databases;
  const findings = counter(registry, 'log_findings_total', 'Log lines that matched a signature.', {
    database: [...database, NO_DATABASE],
    class: SIGNATURE_CLASSES,
  });
  const lines = counter(registry, 'log_lines_total', 'Log lines read.', {});
  const scrubbed = counter(registry, 'scrub_bytes_total', 'Bytes of the own file that were verified.', {
    database,
  });
  const heals = counter(registry, 'heals_total', 'Heals of the own member that ended.', {
    database,
    remedy: REMEDIES,
    outcome: HEAL_OUTCOMES,
  });
  const backups = counter(registry, 'backups_total', 'Backups that ended.', {
    database,
    outcome: BACKUP_OUTCOMES,
  });
  const copies = gauge(registry, 'copies_bytes', 'Bytes held by copies of database files.', {
    kind: COPY_KINDS,
  });
  const budget = gauge(registry, 'copies_budget_bytes', 'Bytes that all copies together may hold.', {});
  const asked = counter(registry, 'peer_requests_total', 'Questions to siblings.', {
    node: options.siblings,
    outcome: PEER_OUTCOMES,
  });
  const expiry = gauge(
    registry,
    'certificate_expiry_timestamp_seconds',
    'Time at which the certificate of this agent ends.',
    {},
  );
  return {
    findingSeen: (name, findingClass) => {
      findings.inc({ database: name ?? NO_DATABASE, class: findingClass });
    },
    tailLines: (count) => {
      lines.inc(count);
    },
    scrubbed: (name, sizeBytes) => {
      scrubbed.inc({ database: name }, sizeBytes);
    },
    healEnded: (name, remedy, outcome) => {
      heals.inc({ database: name, remedy, outcome });
    },
    backupEnded: (name, outcome) => {
      backups.inc({ database: name, outcome });
    },
    copiesHeld: (kind, sizeBytes) => {
      copies.set({ kind }, sizeBytes);
    },
    copiesBudget: (sizeBytes) => {
      budget.set(sizeBytes);
    },
    peerAsked: (node, outcome) => {
      asked.inc({ node, outcome });
    },
    certificateExpiry: (expiresAtMs) => {
      expiry.set(expiresAtMs / 1_000);
    },
  };
}
