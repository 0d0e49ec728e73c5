import type { Gauge, Registry } from 'prom-client';
import type { MemberEvidence } from '../diagnose/evidence.ts';
import { CLUSTER_VERDICTS, VERDICTS } from '../diagnose/verdict.ts';
import { GUARD_IDS } from '../heal/guard.ts';
import type { StatusDocument } from '../heal/status-document.ts';
import type { Database } from '../ovsdb/database.ts';
import { gauge } from './series.ts';

type DatabaseStatus = StatusDocument['databases'][number];

const MODES = ['auto', 'observe'] as const;
const NEVER_AGE = Number.POSITIVE_INFINITY;

/**
 * Gauges that mirror the status document: what the agent shows to people and what it shows to Prometheus cannot differ.
 * `databases` and `nodes` are the configured ones; an entry of the member list that belongs to none of them has series while it is there.
 */
export function createStatusMetrics(
  registry: Registry,
  databases: readonly Database[],
  nodes: readonly string[],
): (status: StatusDocument) => void {
  const gauges = createGauges(registry, databases, nodes);
  return (status) => {
    gauges.armed.set({}, status.armed.armed ? 1 : 0);
    for (const mode of MODES) gauges.mode.set({ mode }, mode === status.mode ? 1 : 0);
    forgetUnknownMembers(gauges.memberVerdict, databases, nodes);
    for (const database of status.databases) {
      setDatabase(gauges, database);
      setOwnFile(gauges, database, status.node);
    }
    for (const backup of status.backups) {
      const { database } = backup;
      gauges.newestBackup.set({ database }, secondsOf(backup.newestVerifiedAt));
      gauges.backups.set({ database }, backup.items);
    }
  };
}

type StatusGauges = ReturnType<typeof createGauges>;

function createGauges(registry: Registry, database: readonly Database[], nodes: readonly string[]) {
  return {
    armed: gauge(registry, 'armed', 'Whether the agent may act: every member was once seen healthy.', {}),
    mode: gauge(registry, 'heal_mode', '1 for the configured mode.', { mode: MODES }),
    clusterVerdict: gauge(registry, 'cluster_verdict', '1 for the verdict about the cluster.', {
      database,
      verdict: CLUSTER_VERDICTS,
    }),
    frozen: gauge(registry, 'cluster_frozen', 'Whether data may exist in one place only.', { database }),
    memberVerdict: gauge(registry, 'member_verdict', '1 for the verdict about the member.', {
      database,
      node: nodes,
      verdict: VERDICTS,
    }),
    evidenceAge: gauge(
      registry,
      'member_evidence_age_seconds',
      'Age of what is known of the member; +Inf when nothing is.',
      { database, node: nodes },
      NEVER_AGE,
    ),
    guardRefusing: gauge(registry, 'heal_guard_refusing', 'Whether the guard holds back a wanted remedy.', {
      database,
      guard: GUARD_IDS,
    }),
    fileDamaged: gauge(
      registry,
      'file_damaged',
      'Whether the own database file was damaged when last read.',
      {
        database,
      },
    ),
    fileSize: gauge(registry, 'file_size_bytes', 'Size of the own database file when last read.', {
      database,
    }),
    checkedAt: gauge(registry, 'scrub_timestamp_seconds', 'Last look at new bytes of the own file.', {
      database,
    }),
    fullyCheckedAt: gauge(
      registry,
      'scrub_full_timestamp_seconds',
      'Last read of every byte of the own file.',
      { database },
    ),
    directRead: gauge(
      registry,
      'scrub_direct_read_available',
      'Whether the last full read went past the page cache.',
      { database },
    ),
    newestBackup: gauge(
      registry,
      'backup_newest_verified_timestamp_seconds',
      'Time of the newest verified backup; 0 when there is none.',
      { database },
    ),
    backups: gauge(registry, 'backup_items', 'Backups kept.', { database }),
  };
}

function setDatabase(gauges: StatusGauges, { diagnosis, members, plan }: DatabaseStatus): void {
  const { database } = diagnosis;
  for (const verdict of CLUSTER_VERDICTS)
    gauges.clusterVerdict.set({ database, verdict }, verdict === diagnosis.cluster ? 1 : 0);
  gauges.frozen.set({ database }, diagnosis.frozen ? 1 : 0);
  for (const member of diagnosis.members)
    for (const verdict of VERDICTS)
      gauges.memberVerdict.set({ database, node: member.node, verdict }, verdict === member.verdict ? 1 : 0);
  for (const { node, ageMs } of members)
    gauges.evidenceAge.set({ database, node }, ageMs === null ? NEVER_AGE : ageMs / 1_000);
  const refusing = plan === null || plan.remedy === 'none' ? [] : plan.guards.filter((guard) => !guard.ok);
  for (const guard of GUARD_IDS)
    gauges.guardRefusing.set({ database, guard }, refusing.some(({ id }) => id === guard) ? 1 : 0);
}

function setOwnFile(gauges: StatusGauges, { diagnosis, members }: DatabaseStatus, ownNode: string): void {
  const { database } = diagnosis;
  const evidence: MemberEvidence | null = members.find(({ node }) => node === ownNode)?.evidence ?? null;
  const file = evidence?.file ?? null;
  if (file === null) return;
  gauges.fileDamaged.set({ database }, file.report.ok ? 0 : 1);
  gauges.fileSize.set({ database }, file.report.sizeBytes);
  gauges.checkedAt.set({ database }, secondsOf(file.checkedAt));
  gauges.fullyCheckedAt.set({ database }, secondsOf(file.fullyCheckedAt));
  gauges.directRead.set({ database }, file.pastPageCache === 'yes' ? 1 : 0);
}

/** Ghost entries come and go; those of configured nodes stay for ever. */
function forgetUnknownMembers(
  memberVerdict: Gauge<'database' | 'node' | 'verdict'>,
  databases: readonly Database[],
  nodes: readonly string[],
): void {
  memberVerdict.reset();
  for (const database of databases)
    for (const node of nodes)
      for (const verdict of VERDICTS) memberVerdict.set({ database, node, verdict }, 0);
}

/** Seconds since 1970 of an ISO time; 0 for null or for what is no time. */
function secondsOf(isoTime: string | null): number {
  const ms = isoTime === null ? 0 : Date.parse(isoTime);
  return Number.isNaN(ms) ? 0 : ms / 1_000;
}
