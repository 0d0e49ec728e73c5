import fc from 'fast-check';
import type {
  FileEvidence,
  MemberEvidence,
  Observation,
  ServerEvidence,
} from '../../src/diagnose/evidence.ts';
import type { HighWaterMark, Standing } from '../../src/diagnose/mark.ts';
import type { ClusterStatus } from '../../src/ovsdb/cluster-status.ts';
import { PROBLEM_KINDS } from '../../src/ovsdb/file-report.ts';
import {
  CLUSTER_ID,
  OTHER_CLUSTER_ID,
  healthyCluster,
  markOf,
  nodeName,
  positionOf,
  serverIdOf,
} from './evidence.ts';

/** Evidence of any kind, sensible or not, from few values, so that members agree and disagree often. */

const clusterId = fc.constantFrom(CLUSTER_ID, CLUSTER_ID, CLUSTER_ID, OTHER_CLUSTER_ID);
const index = fc.constantFrom(0, 40, 140, 149, 150, 151, 210);
const term = fc.constantFrom(2, 3, 3, 3, 4);
const serverNumber = fc.integer({ min: 1, max: 5 });
const nickname = serverNumber.map((number) => serverIdOf(number).slice(0, 4));
const standing = fc.constantFrom<Standing>('contained', 'contained', 'contradicted', 'beyond', 'unknown');

const mark: fc.Arbitrary<HighWaterMark> = fc
  .record({ number: serverNumber, index, line: fc.constantFrom(0, 0, 1), clusterId })
  .map(({ number, index, line, clusterId }) => markOf(number, positionOf(index, 3, line), clusterId));

const status: fc.Arbitrary<Partial<ClusterStatus>> = fc.record(
  {
    clusterId: fc.option(clusterId),
    serverId: serverNumber.map(serverIdOf),
    membership: fc.constantFrom('joining', 'leaving', 'left', 'failed', 'disconnected', 'member', 'member'),
    role: fc.constantFrom('leader', 'candidate', 'follower'),
    term,
    leader: fc.oneof(fc.constantFrom('self', 'unknown'), nickname),
    log: fc.record({ start: index, end: index }),
    uncommitted: fc.nat(5),
    servers: fc.array(
      fc.record({
        nickname,
        sidPrefix: nickname,
        address: fc.constant('tcp:10.0.0.1:6643'),
        self: fc.boolean(),
        nextIndex: fc.option(index),
        matchIndex: fc.option(index),
        lastMessageMs: fc.option(fc.nat()),
      }),
      { maxLength: 5 },
    ),
  },
  { requiredKeys: [] },
);

function serverOf(sound: ServerEvidence): fc.Arbitrary<ServerEvidence> {
  if (sound.state !== 'up') return fc.constant(sound);
  const storage = fc.constantFrom('ok', 'ok', 'ovsdb error: inconsistent data');
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant(sound) },
    {
      weight: 4,
      arbitrary: fc.record({ status, storage }).map((change) => ({
        ...sound,
        storage: change.storage,
        status: { ...sound.status, ...change.status },
      })),
    },
    fc.constantFrom<ServerEvidence>(
      { state: 'down', detail: 'nobody listens' },
      { state: 'silent', detail: 'no answer' },
      { state: 'no-database', detail: 'unknown cluster', incarnation: '1' },
    ),
  );
}

const problem = fc.record({
  kind: fc.constantFrom(...PROBLEM_KINDS),
  record: fc.option(fc.nat(99)),
  offset: fc.option(fc.nat(99_999)),
  detail: fc.constant('a problem'),
});

function fileOf(sound: FileEvidence | null): fc.Arbitrary<FileEvidence | null> {
  if (sound === null) return fc.constant(null);
  const damaged = fc
    .record({ problems: fc.array(problem, { maxLength: 3 }), clusterId: fc.option(clusterId) })
    .map((change) => ({
      ...sound,
      report: { ...sound.report, ...change, ok: change.problems.length === 0 },
    }));
  return fc.oneof(fc.constant(sound), damaged, fc.constant(null));
}

export function anyEvidence(number: number, size: number): fc.Arbitrary<MemberEvidence> {
  const sound = healthyCluster(size)[number - 1];
  if (sound === undefined) throw new RangeError(`no member ${String(number)} of ${String(size)}`);
  const rot = fc.record({
    inode: fc.constantFrom(sound.file?.inode ?? '', 'another'),
    firstSeenAt: fc.constant(sound.takenAt),
    reads: fc.integer({ min: 1, max: 3 }),
    spanMs: fc.constantFrom(0, 60_000),
    pastPageCache: fc.constantFrom('yes', 'no', 'unavailable'),
    checkCluster: fc.constantFrom('bad', 'bad', 'clean', 'not-run', 'tool-too-old', 'failed'),
    preservedSha256: fc.option(fc.constant('ab'.repeat(32))),
  });
  const whole = fc.record({
    node: fc.constant(sound.node),
    database: fc.constant(sound.database),
    takenAt: fc.constant(sound.takenAt),
    server: serverOf(sound.server),
    file: fileOf(sound.file),
    rot: fc.option(rot),
    ownMark: fc.option(mark),
    standings: fc.oneof(
      fc.constant(sound.standings),
      fc.array(fc.record({ mark, standing }), { maxLength: 6 }).map((more) => [...sound.standings, ...more]),
    ),
    findings: fc.array(
      fc.record({
        signature: fc.constant('some-line'),
        class: fc.constantFrom('diverged', 'latent', 'corruption'),
        at: fc.constant(null),
      }),
      { maxLength: 2 },
    ),
  });
  return whole.map(asPlain);
}

/** Records of fast-check have no prototype; what arrives from a sibling has one. */
function asPlain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

export const anyObservation: fc.Arbitrary<Observation> = fc
  .constantFrom(1, 2, 3, 3, 5)
  .chain((size) =>
    fc.tuple(
      ...Array.from({ length: size }, (_, position) =>
        fc.record({
          evidence: fc.option(anyEvidence(position + 1, size), { freq: 8 }),
          ageMs: fc.constantFrom(0, 1_000, 30_000, 30_001),
        }),
      ),
    ),
  )
  .map((views) => ({
    database: 'nb',
    nodes: views.map(({ evidence, ageMs }, position) => ({
      node: nodeName(position + 1),
      evidence,
      ageMs: evidence === null ? null : ageMs,
    })),
  }));
