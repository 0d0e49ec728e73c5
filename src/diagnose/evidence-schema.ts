import { z } from 'zod';
import type { ClusterStatus } from '../ovsdb/cluster-status.ts';
import { DATABASES } from '../ovsdb/database.ts';
import { type FileReport, PROBLEM_KINDS } from '../ovsdb/file-report.ts';
import type { FileEvidence, MemberEvidence, RecentFinding, RotEvidence, ServerEvidence } from './evidence.ts';
import type { HighWaterMark, MarkStanding } from './mark.ts';

/**
 * What agents tell each other, checked on arrival. Every text and list has a limit, so that a sibling that lies can
 * waste a reply and nothing more. Unknown keys are dropped: a newer sibling may know more.
 */

/** Most items of each list; a sender keeps to the same numbers. */
export const EVIDENCE_LIMITS = {
  problems: 1_000,
  standings: 256,
  findings: 256,
  servers: 64,
  connections: 256,
} as const;

const name = z.string().max(255);
const sentence = z.string().max(4_096);
const count = z.int().min(0);
const time = z.iso.datetime();
const uuid = z.guid();
const database = z.enum(DATABASES);
const pastPageCache = oneOf<FileEvidence['pastPageCache']>({ yes: true, no: true, unavailable: true });

/** An enum that the compiler refuses unless it lists every member of the union. */
function oneOf<T extends string>(members: Readonly<Record<T, true>>): z.ZodType<T> {
  return z.enum(Object.keys(members) as T[]);
}

export const clusterStatusSchema: z.ZodType<ClusterStatus> = z.object({
  name,
  clusterId: uuid.nullable(),
  serverId: uuid,
  address: name,
  membership: oneOf<ClusterStatus['membership']>({
    joining: true,
    leaving: true,
    left: true,
    failed: true,
    disconnected: true,
    member: true,
  }),
  membershipText: name,
  remotesForJoining: z.array(name).max(EVIDENCE_LIMITS.servers),
  role: oneOf<ClusterStatus['role']>({ leader: true, candidate: true, follower: true }),
  term: count,
  leader: name,
  vote: name.nullable(),
  electionTimerMs: count,
  log: z.object({ start: count, end: count }),
  uncommitted: count,
  unapplied: count,
  connections: z
    .array(
      z.object({
        direction: oneOf<ClusterStatus['connections'][number]['direction']>({ to: true, from: true }),
        peer: name,
        up: z.boolean(),
      }),
    )
    .max(EVIDENCE_LIMITS.connections),
  disconnections: count.nullable(),
  adding: z.array(name).max(EVIDENCE_LIMITS.servers),
  removing: z.array(name).max(EVIDENCE_LIMITS.servers),
  servers: z
    .array(
      z.object({
        nickname: name,
        sidPrefix: name,
        address: name,
        self: z.boolean(),
        nextIndex: count.nullable(),
        matchIndex: count.nullable(),
        lastMessageMs: count.nullable(),
      }),
    )
    .max(EVIDENCE_LIMITS.servers),
});

const serverSchema: z.ZodType<ServerEvidence> = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('up'),
    status: clusterStatusSchema,
    storage: sentence,
    version: name,
    incarnation: name,
  }),
  z.object({ state: z.literal('no-database'), detail: sentence, incarnation: name }),
  z.object({ state: z.literal('down'), detail: sentence }),
  z.object({ state: z.literal('silent'), detail: sentence }),
]);

const reportSchema: z.ZodType<FileReport> = z.object({
  file: sentence,
  ok: z.boolean(),
  joined: z.boolean().exactOptional(),
  database: name.nullable(),
  clusterId: uuid.nullable(),
  serverId: uuid.nullable(),
  address: name.nullable(),
  records: count,
  sizeBytes: count,
  term: count.nullable(),
  lastIndex: count.nullable(),
  commitIndex: count.nullable(),
  eid: uuid.nullable(),
  problems: z
    .array(
      z.object({
        kind: z.enum(PROBLEM_KINDS),
        record: count.nullable(),
        offset: count.nullable(),
        detail: sentence,
        sameEntry: z.boolean().exactOptional(),
      }),
    )
    .max(EVIDENCE_LIMITS.problems),
});

const fileSchema: z.ZodType<FileEvidence> = z.object({
  report: reportSchema,
  inode: name,
  checkedAt: time,
  fullyCheckedAt: time.nullable(),
  pastPageCache,
});

const rotSchema: z.ZodType<RotEvidence> = z.object({
  inode: name,
  firstSeenAt: time,
  reads: count,
  spanMs: z.number().min(0),
  pastPageCache,
  checkCluster: oneOf<RotEvidence['checkCluster']>({
    bad: true,
    clean: true,
    'not-run': true,
    'tool-too-old': true,
    failed: true,
  }),
  preservedSha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
});

export const markSchema: z.ZodType<HighWaterMark> = z.object({
  clusterId: uuid,
  serverId: uuid,
  node: name,
  at: time,
  index: count,
  term: count,
  eid: uuid,
});

export const markStandingSchema: z.ZodType<MarkStanding> = z.object({
  mark: markSchema,
  standing: oneOf<MarkStanding['standing']>({
    contained: true,
    contradicted: true,
    beyond: true,
    unknown: true,
  }),
});

const findingSchema: z.ZodType<RecentFinding> = z.object({
  signature: name,
  class: name,
  at: name.nullable(),
});

/** One sibling's evidence about its own member of one database. */
export const memberEvidenceSchema: z.ZodType<MemberEvidence> = z.object({
  node: name,
  database,
  takenAt: time,
  server: serverSchema,
  file: fileSchema.nullable(),
  rot: rotSchema.nullable(),
  ownMark: markSchema.nullable(),
  standings: z.array(markStandingSchema).max(EVIDENCE_LIMITS.standings),
  findings: z.array(findingSchema).max(EVIDENCE_LIMITS.findings),
});
