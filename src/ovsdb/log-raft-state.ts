import type { LogPosition } from './log-position.ts';
import type { LogEntry, LogHeader, LogRecord, Servers } from './log-record.ts';
import type { ProblemKind } from './file-report.ts';

/** What the records read so far add up to. `null` means: not known, because something before was damaged. */
export interface RaftState {
  readonly ownServerId: string | null;
  /** Highest term seen. */
  readonly term: number;
  readonly vote: Ballot;
  /** Who the member said leads in `term`, or null. */
  readonly leader: string | null;
  /** Index that the next entry has. Null after damage: then any index is taken for true, once. */
  readonly nextIndex: number | null;
  /** Index of the first entry after the snapshot. */
  readonly firstIndex: number;
  /** Commit index that the next records are held against. */
  readonly commitIndex: number;
  readonly terms: TermRun | null;
  readonly membership: Membership | null;
}

/** `lost` after damage: a vote may have been among what cannot be read. */
type Ballot = { readonly for: string } | 'none' | 'lost';

/** Entries from index `from` on have `term`; `before` is the run below. */
interface TermRun {
  readonly term: number;
  readonly from: number;
  readonly before: TermRun | null;
}

/** The list of servers that became valid with the entry at `from`. */
interface Membership {
  readonly from: number;
  readonly hasSelf: boolean | null;
  readonly before: Membership | null;
}

export interface Violation {
  readonly kind: ProblemKind;
  readonly detail: string;
}

/** The state after a record, and the rule that it breaks, if any. After a violation later checks start afresh. */
export interface Step {
  readonly state: RaftState;
  readonly violation: Violation | null;
}

/** The state of a file whose first record cannot be read. */
export const UNKNOWN_STATE: RaftState = {
  ownServerId: null,
  term: 0,
  vote: 'lost',
  leader: null,
  nextIndex: null,
  firstIndex: 0,
  commitIndex: 0,
  terms: null,
  membership: null,
};

/** The state after the first record (`raft_read_header` in OVS `ovsdb/raft.c`). */
export function initialState(header: LogHeader): RaftState {
  const snapshot: LogPosition | null = header.base?.snapshot ?? null;
  const from = snapshot?.index ?? 0;
  return {
    ownServerId: header.serverId,
    term: 0,
    vote: 'none',
    leader: null,
    nextIndex: from + 1,
    firstIndex: from + 1,
    commitIndex: from,
    terms: { term: snapshot?.term ?? 0, from, before: null },
    membership: { from, hasSelf: header.base?.servers.has(header.serverId) ?? null, before: null },
  };
}

/** The state after records were lost: nothing that may have been among them is held against later ones. */
export function afterDamage(state: RaftState): RaftState {
  const from = state.nextIndex ?? state.membership?.from ?? 0;
  return {
    ...state,
    vote: 'lost',
    leader: null,
    nextIndex: null,
    membership: { from, hasSelf: null, before: state.membership },
  };
}

/** Is the member's own server id in the last list of servers? Null when that cannot be known. */
export function isMember(state: RaftState): boolean | null {
  return state.membership?.hasSelf ?? null;
}

/**
 * Applies one record with every rule of `raft_apply_record` (OVS `ovsdb/raft.c`), which a server enforces at its
 * start, and the two that only `ovsdb-tool check-cluster` has: one leader a term, and a leader never rewrites its log.
 */
export function applyRecord(before: RaftState, record: LogRecord): Step {
  const state = 'term' in record && record.term > before.term ? inTerm(before, record.term) : before;
  switch (record.type) {
    case 'entry':
      return applyEntry(state, record);
    case 'term':
      return fine(state);
    case 'vote':
      return applyVote(state, record.term, record.serverId);
    case 'leader':
      return applyLeader(state, record.serverId);
    case 'commit':
      return applyCommit(state, record.commitIndex);
    case 'note':
      return applyNote(state, record.note);
  }
}

function inTerm(state: RaftState, term: number): RaftState {
  return { ...state, term, vote: 'none', leader: null };
}

function applyEntry(state: RaftState, entry: LogEntry): Step {
  const below = runsBelow(state.terms, entry.index);
  const terms = below?.term === entry.term ? below : { term: entry.term, from: entry.index, before: below };
  const violation = state.nextIndex === null ? null : entryViolation(state, entry, below, state.nextIndex);
  switch (violation?.kind) {
    case 'truncates-committed':
      // What was committed is contradicted, so where the log goes on from here is anybody's guess.
      return { state: { ...afterDamage(state), commitIndex: entry.index, terms }, violation };
    case 'index-skipped':
      return { state: { ...withEntry(afterDamage(state), entry), terms }, violation };
    default:
      return { state: { ...withEntry(state, entry), terms }, violation };
  }
}

function withEntry(state: RaftState, entry: LogEntry): RaftState {
  const nextIndex = entry.index + 1;
  return { ...state, nextIndex, membership: membershipAt(state, entry) };
}

function entryViolation(
  state: RaftState,
  entry: LogEntry,
  terms: TermRun | null,
  nextIndex: number,
): Violation | null {
  const index = String(entry.index);
  if (entry.index < state.commitIndex || entry.index < state.firstIndex) {
    const detail = `writes index ${index} again, but commit index is already ${String(state.commitIndex)}`;
    return { kind: 'truncates-committed', detail };
  }
  if (entry.index > nextIndex) {
    return { kind: 'index-skipped', detail: `has index ${index}, expected ${String(nextIndex)}` };
  }
  if (entry.index < nextIndex && state.leader !== null && state.leader === state.ownServerId) {
    return { kind: 'leader-rewrote-log', detail: `writes index ${index} again while the member is leader` };
  }
  if (terms !== null && entry.term < terms.term) {
    const detail = `index ${index} has term ${String(entry.term)}, the entry before has ${String(terms.term)}`;
    return { kind: 'term-regressed', detail };
  }
  return null;
}

function runsBelow(terms: TermRun | null, index: number): TermRun | null {
  let run = terms;
  while (run !== null && run.from >= index) run = run.before;
  return run;
}

function membershipAt(state: RaftState, entry: LogEntry): Membership | null {
  let membership = state.membership;
  while (membership !== null && membership.from >= entry.index) membership = membership.before;
  if (entry.servers === null) return membership;
  return { from: entry.index, hasSelf: hasSelf(state, entry.servers), before: membership };
}

function hasSelf(state: RaftState, servers: Servers): boolean | null {
  return state.ownServerId === null ? null : servers.has(state.ownServerId);
}

function applyVote(state: RaftState, term: number, serverId: string): Step {
  if (term < state.term) {
    const detail = `votes in term ${String(term)}, but the current term is ${String(state.term)}`;
    return { state, violation: { kind: 'vote-for-old-term', detail } };
  }
  const after: RaftState = { ...state, vote: { for: serverId } };
  if (typeof state.vote === 'string' || state.vote.for === serverId) return fine(after);
  const detail = `votes for ${serverId} in term ${String(term)}, voted for ${state.vote.for} before`;
  return { state: after, violation: { kind: 'vote-changed', detail } };
}

function applyLeader(state: RaftState, serverId: string): Step {
  const after = { ...state, leader: serverId };
  if (state.leader === null || state.leader === serverId) return fine(after);
  const detail = `says that ${serverId} leads term ${String(state.term)}, said ${state.leader} before`;
  return { state: after, violation: { kind: 'leader-changed', detail } };
}

function applyCommit(state: RaftState, commitIndex: number): Step {
  const after = { ...state, commitIndex };
  if (commitIndex < state.commitIndex) {
    const detail = `takes the commit index back from ${String(state.commitIndex)} to ${String(commitIndex)}`;
    return { state: after, violation: { kind: 'commit-regressed', detail } };
  }
  if (state.nextIndex !== null && commitIndex >= state.nextIndex) {
    const last = String(state.nextIndex - 1);
    const detail = `advances the commit index to ${String(commitIndex)}, but the last log index is ${last}`;
    return { state: afterDamage(after), violation: { kind: 'commit-ahead-of-log', detail } };
  }
  return fine(after);
}

function applyNote(state: RaftState, note: string): Step {
  if (note !== 'left') return fine(state);
  return { state, violation: { kind: 'left-cluster', detail: 'notes that the server has left the cluster' } };
}

function fine(state: RaftState): Step {
  return { state, violation: null };
}
