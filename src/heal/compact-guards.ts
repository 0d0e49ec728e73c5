import type { MemberEvidence, NodeView } from '../diagnose/evidence.ts';
import { type ActiveMember, activeMembers, findLeader } from '../diagnose/leader.ts';
import { type HighWaterMark, markKey } from '../diagnose/mark.ts';
import { MAX_LAG, isBehindSnapshot, lagBehind } from '../diagnose/member-rules.ts';
import type { Verdict } from '../diagnose/verdict.ts';
import type { CompactFacts, CompactLimits } from './compact-facts.ts';
import type { Guard, GuardId } from './guard.ts';

/** A compaction writes the whole database a second time before the old file goes. */
const DISK_FACTOR = 2;

/** Verdicts that forbid a compaction anywhere in the cluster: data may exist in one place only. */
const FORBIDDING: ReadonlySet<Verdict> = new Set([
  'ahead',
  'diverged',
  'foreign',
  'inconsistent',
  'blocked',
  'broken',
  'failed',
  'gapped',
  'removed',
]);

/** Every guard of a compaction in place, all of them judged, whether or not an earlier one failed. Pure. */
export function compactGuards(facts: CompactFacts, limits: CompactLimits): readonly Guard[] {
  const fresh = facts.observation.nodes.filter(({ ageMs }) => ageMs !== null && ageMs <= limits.staleAfterMs);
  const active = activeMembers(fresh);
  const search = findLeader(active);
  const leader = search.state === 'confirmed' ? search.member : null;
  const own = facts.observation.nodes.find(({ node }) => node === facts.node)?.evidence ?? null;
  const ageMs = oldest(facts.observation.nodes);
  return [
    modeGuard(facts),
    armedGuard(facts),
    twoSourcesGuard(own, limits),
    precedenceGuard(facts, ageMs),
    guard('leader-confirmed', leader !== null, {
      value:
        leader === null
          ? search.state === 'confirmed'
            ? 'none'
            : search.because
          : `${leader.node} in term ${String(leader.status.term)}`,
      threshold: 'one leader, named by a majority in its own term',
      ageMs,
      toPass: 'wait for an election to end',
    }),
    everyMemberUpGuard(facts, active, leader, ageMs),
    inStepGuard(active, leader, ageMs),
    newestDataGuard(facts, leader, active, ageMs),
    identityGuard(own, leader),
    followerFirstGuard(facts, leader, ageMs),
    guard('preserved', facts.preservedIsSafe, {
      value: own?.rot?.preservedSha256?.slice(0, 12) ?? 'no copy',
      threshold: 'a verified copy of the damaged file',
      ageMs: null,
      toPass: 'the agent copies the file aside; make room in the state directory if it cannot',
    }),
    roomGuard(
      'disk-room',
      facts.freeBytes,
      facts.fileSizeBytes * DISK_FACTOR + limits.minFreeBytes,
      'free space where the database lies',
    ),
    roomGuard(
      'memory-room',
      facts.availableMemoryBytes,
      facts.fileSizeBytes * limits.minMemoryFactor,
      'free memory on the host or raise the limit',
    ),
    toolGuard(own),
    guard('cooldown', facts.sinceLastMs === null || facts.sinceLastMs >= limits.cooldownMs, {
      value:
        facts.sinceLastMs === null ? 'never compacted' : `${seconds(facts.sinceLastMs)} since the last one`,
      threshold: `≥ ${seconds(limits.cooldownMs)}`,
      ageMs: null,
      toPass: 'wait',
    }),
    guard('budget', facts.compactionsToday < limits.compactionsPerDay, {
      value: `${String(facts.compactionsToday)} in 24 h`,
      threshold: `< ${String(limits.compactionsPerDay)}`,
      ageMs: null,
      toPass: 'find out why the file keeps rotting; replace the disk',
    }),
    turnGuard(facts),
  ];
}

/** The guards that need no word from a sibling; a turn is asked for only when these pass. */
export function passesAlone(guards: readonly Guard[]): boolean {
  return guards.every(({ id, ok }) => ok || id === 'turn');
}

function modeGuard({ mode }: CompactFacts): Guard {
  return guard('mode', mode === 'auto', {
    value: mode,
    threshold: 'auto',
    ageMs: null,
    toPass: 'set heal.mode to auto',
  });
}

function armedGuard({ armed }: CompactFacts): Guard {
  return guard('armed', armed.armed, {
    value: armed.because,
    threshold: 'all members once healthy, marks exchanged, then heal.armAfterMs',
    ageMs: null,
    toPass: 'wait until every member of every database is healthy',
  });
}

function twoSourcesGuard(own: MemberEvidence | null, limits: CompactLimits): Guard {
  const rot = own?.rot ?? null;
  const sameFile = rot !== null && rot.inode === own?.file?.inode;
  const ok =
    rot !== null &&
    sameFile &&
    rot.reads >= 2 &&
    rot.spanMs >= limits.confirmAfterMs &&
    rot.checkCluster === 'bad';
  return guard('two-sources', ok, {
    value:
      rot === null
        ? 'no damage seen'
        : `${String(rot.reads)} reads over ${seconds(rot.spanMs)}, past the page cache: ${rot.pastPageCache}, check-cluster: ${rot.checkCluster}`,
    threshold: `2 reads ≥ ${seconds(limits.confirmAfterMs)} apart that agree, and check-cluster of the copy finds it bad`,
    ageMs: null,
    toPass: 'wait for the second read',
  });
}

function precedenceGuard({ diagnosis }: CompactFacts, ageMs: number | null): Guard {
  const worse = diagnosis.members.filter(({ verdict }) => FORBIDDING.has(verdict));
  const clusterBad = diagnosis.cluster === 'regressed' || diagnosis.cluster === 'split' || diagnosis.frozen;
  const names = worse.map(({ node, verdict }) => `${node} is ${verdict}`);
  if (clusterBad) names.push(`cluster is ${diagnosis.cluster}${diagnosis.frozen ? ', frozen' : ''}`);
  return guard('precedence', names.length === 0, {
    value: names.length === 0 ? 'nothing worse than rot' : names.join(', '),
    threshold: 'no member ahead, diverged, foreign, inconsistent, broken or failed; nothing regressed',
    ageMs,
    toPass: 'a person decides which copy holds the newest data; every copy is preserved',
  });
}

function everyMemberUpGuard(
  facts: CompactFacts,
  active: readonly ActiveMember[],
  leader: ActiveMember | null,
  ageMs: number | null,
): Guard {
  const wanted = Math.max(facts.observation.nodes.length, leader?.status.servers.length ?? 0);
  // By server id: a copied member that answers on two nodes stands in for nobody else.
  const up = new Set(active.map(({ status }) => status.serverId)).size;
  return guard('every-member-up', up === wanted && leader?.status.servers.length === wanted, {
    value: `${String(up)} up, ${String(leader?.status.servers.length ?? 0)} listed by the leader`,
    threshold: `${String(wanted)} of ${String(wanted)}`,
    ageMs,
    toPass: 'bring every server and every agent up; remove stale entries',
  });
}

function inStepGuard(
  active: readonly ActiveMember[],
  leader: ActiveMember | null,
  ageMs: number | null,
): Guard {
  const behind = leader === null ? ['no leader'] : active.flatMap((member) => outOfStep(member, leader));
  return guard('in-step', behind.length === 0, {
    value: behind.length === 0 ? 'all in step' : behind.join(', '),
    threshold: `same term, storage ok, match_index inside the leader's log and ≤ ${String(MAX_LAG)} behind`,
    ageMs,
    toPass: 'wait until followers have caught up',
  });
}

function outOfStep(member: ActiveMember, leader: ActiveMember): string[] {
  const reasons: string[] = [];
  const { server } = member.evidence;
  if (server.state === 'up' && server.storage !== 'ok')
    reasons.push(`${member.node}: storage ${server.storage}`);
  if (member.status.term !== leader.status.term)
    reasons.push(`${member.node}: term ${String(member.status.term)}`);
  const lag = lagBehind(member.evidence, leader);
  if (lag === null) reasons.push(`${member.node}: not listed by the leader`);
  else if (lag > MAX_LAG) reasons.push(`${member.node}: ${String(lag)} behind`);
  else if (isBehindSnapshot(lag, leader)) reasons.push(`${member.node}: behind the leader's snapshot`);
  return reasons;
}

/**
 * The newest data is a leader whose history contains every known mark. Marks of members that are up may be newer than
 * the leader's agent has looked at; raft itself vouches for those while the member is in step, as long as an older
 * mark of the same member was found there. Raft also vouches for what the damaged file of a leader hides, see below.
 */
function newestDataGuard(
  facts: CompactFacts,
  leader: ActiveMember | null,
  active: readonly ActiveMember[],
  ageMs: number | null,
): Guard {
  const doubts = leader === null ? ['no leader'] : markDoubts(facts.observation.nodes, leader, active);
  return guard('newest-data', doubts.length === 0, {
    value:
      doubts.length === 0
        ? 'every known mark is in the history of the leader'
        : doubts.slice(0, 3).join('; '),
    threshold: "the leader's history contains every known mark of this cluster",
    ageMs,
    toPass: 'wait for the next commit and exchange; if a mark is missing for good, a person decides',
  });
}

function markDoubts(
  nodes: readonly NodeView[],
  leader: ActiveMember,
  active: readonly ActiveMember[],
): string[] {
  const { clusterId } = leader.status;
  const held = new Map(leader.evidence.standings.map(({ mark, standing }) => [markKey(mark), standing]));
  const provedMembers = new Set(
    leader.evidence.standings
      .filter(({ standing }) => standing === 'contained')
      .map(({ mark }) => mark.serverId),
  );
  const doubts: string[] = [];
  for (const { mark, standing } of leader.evidence.standings) {
    if (mark.clusterId !== clusterId || standing === 'contained') continue;
    if (standing !== 'unknown' || !isInMemory(mark, leader, active))
      doubts.push(`entry ${String(mark.index)} of ${mark.node} is ${standing}`);
  }
  for (const { evidence } of nodes) {
    for (const { mark, standing } of evidence?.standings ?? []) {
      if (mark.clusterId !== clusterId || held.has(markKey(mark))) continue;
      if (mark.node === evidence?.node && (standing === 'beyond' || standing === 'contradicted'))
        doubts.push(`${mark.node} has lost its own entry ${String(mark.index)}`);
      const vouched =
        provedMembers.has(mark.serverId) && active.some(({ status }) => status.serverId === mark.serverId);
      if (!vouched)
        doubts.push(`entry ${String(mark.index)} of ${mark.node} has not reached the leader's agent`);
    }
  }
  for (const { node, status } of active) {
    if (!provedMembers.has(status.serverId)) doubts.push(`no mark of ${node} was found there yet`);
  }
  return doubts;
}

/**
 * Does the leader's memory hold an entry that its file cannot show? A follower whose own history contains the entry and
 * whose match index is not below it has the same log as the leader up to there, as far as the leader's log goes back.
 */
function isInMemory(mark: HighWaterMark, leader: ActiveMember, active: readonly ActiveMember[]): boolean {
  const { start, end } = leader.status.log;
  if (mark.index < start) return false;
  return active.some((member) => {
    const lag = lagBehind(member.evidence, leader);
    if (member === leader || lag === null || mark.index > end - 1 - lag) return false;
    return member.evidence.standings.some(
      (own) => own.standing === 'contained' && markKey(own.mark) === markKey(mark),
    );
  });
}

function identityGuard(own: MemberEvidence | null, leader: ActiveMember | null): Guard {
  const status = own?.server.state === 'up' ? own.server.status : null;
  const report = own?.file?.report ?? null;
  const mismatches: string[] = [];
  if (status === null || report === null) mismatches.push('server or file not seen');
  else {
    // A damaged first record may have taken parts of the file's identity; what is left must agree.
    if (report.serverId !== null && report.serverId !== status.serverId) mismatches.push('server id');
    if (report.clusterId !== null && report.clusterId !== status.clusterId) mismatches.push('cluster id');
    if (report.database !== null && report.database !== status.name) mismatches.push('database');
    if (leader !== null && status.clusterId !== leader.status.clusterId)
      mismatches.push("leader's cluster id");
  }
  return guard('identity', mismatches.length === 0, {
    value: mismatches.length === 0 ? 'file and server agree' : `differs: ${mismatches.join(', ')}`,
    threshold: 'file, server and leader name the same database, cluster and member',
    ageMs: null,
    toPass: 'a person finds out whose file lies there',
  });
}

function followerFirstGuard(facts: CompactFacts, leader: ActiveMember | null, ageMs: number | null): Guard {
  const leads = leader?.node === facts.node;
  const waitingFor = facts.diagnosis.members.filter(
    ({ node, verdict }) => node !== facts.node && verdict !== 'healthy',
  );
  const ok = leader !== null && (!leads || waitingFor.length === 0);
  return guard('follower-first', ok, {
    value: leads
      ? `leader; not healthy: ${waitingFor.map(({ node }) => node).join(', ') || 'none'}`
      : 'follower',
    threshold: 'a follower, or a leader whose followers are all verified and in step',
    ageMs,
    toPass: 'the followers are compacted first',
  });
}

function toolGuard(own: MemberEvidence | null): Guard {
  const word = own?.rot?.checkCluster ?? 'not-run';
  return guard('tool', word === 'bad' || word === 'clean', {
    value: `check-cluster: ${word}`,
    threshold: 'an ovsdb-tool not older than the server gave an answer',
    ageMs: null,
    toPass: 'set ovsdbTool to the tool of the running server',
  });
}

function turnGuard({ turn }: CompactFacts): Guard {
  const value = { 'not-asked': 'not asked yet', held: 'held', refused: 'refused' }[turn.state];
  return guard('turn', turn.state === 'held', {
    value: turn.state === 'refused' ? `${value}: ${turn.because}` : value,
    threshold: 'every sibling keeps still for this heal',
    ageMs: null,
    toPass: 'asked for when every other guard passes',
  });
}

function roomGuard(
  id: 'disk-room' | 'memory-room',
  gotBytes: number,
  wantedBytes: number,
  toPass: string,
): Guard {
  return guard(id, gotBytes >= wantedBytes, {
    value: mebibytes(gotBytes),
    threshold: `≥ ${mebibytes(wantedBytes)}`,
    ageMs: null,
    toPass,
  });
}

function guard(id: GuardId, ok: boolean, facts: Omit<Guard, 'id' | 'ok'>): Guard {
  return { id, ok, ...facts, toPass: ok ? '' : facts.toPass };
}

function oldest(nodes: readonly NodeView[]): number | null {
  const ages = nodes.flatMap(({ ageMs }) => (ageMs === null ? [] : [ageMs]));
  return ages.length === 0 ? null : Math.max(...ages);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function mebibytes(sizeBytes: number): string {
  return `${String(Math.floor(sizeBytes / 1_048_576))} MiB`;
}
