import { MemberParser } from './log-members.ts';
import type { ScannedMember } from './log-json-scanner.ts';
import type { LogPosition } from './log-position.ts';

/** Server ids and their raft addresses. */
export type Servers = ReadonlyMap<string, string>;

/** The first record of a file: who the member is, and the snapshot that the log starts from. */
export interface LogHeader {
  readonly serverId: string;
  /** Schema name. */
  readonly name: string;
  readonly address: string;
  /** Null in a file that has not joined and was not told its cluster. */
  readonly clusterId: string | null;
  /** Null when the file was made by `join-cluster` and its member has not joined yet: no snapshot, no log. */
  readonly base: LogBase | null;
}

export interface LogBase {
  readonly servers: Servers;
  /** Last entry that the snapshot covers; null when the log starts at index 1. */
  readonly snapshot: LogPosition | null;
}

/** Every later record, as `raft_record_from_json` in OVS `ovsdb/raft-private.c` tells them apart. */
export type LogRecord =
  | { readonly type: 'note'; readonly note: string }
  | { readonly type: 'commit'; readonly commitIndex: number }
  | { readonly type: 'term'; readonly term: number }
  | { readonly type: 'vote'; readonly term: number; readonly serverId: string }
  | { readonly type: 'leader'; readonly term: number; readonly serverId: string }
  | LogEntry;

export interface LogEntry {
  readonly type: 'entry';
  readonly term: number;
  readonly index: number;
  /** Null when the entry carries no data. */
  readonly eid: string | null;
  readonly servers: Servers | null;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

/** Members whose text may be large and says nothing about raft. */
export const SKIPPED_MEMBERS: ReadonlySet<string> = new Set(['data', 'prev_data', 'comment']);

const HEADER_MEMBERS = new Set([
  ...['server_id', 'name', 'local_address', 'cluster_id', 'remote_addresses', 'prev_servers'],
  ...['prev_index', 'prev_term', 'prev_eid', 'prev_data', 'prev_election_timer'],
]);

/** Parses the first record (`raft_header_from_json` in OVS `ovsdb/raft-private.c`). */
export function parseHeaderRecord(members: ReadonlyMap<string, ScannedMember>): Parsed<LogHeader> {
  const parser = new MemberParser(members);
  const serverId = parser.uuid('server_id', true) ?? '';
  const name = parser.string('name', true) ?? '';
  const address = parser.string('local_address', true) ?? '';
  const remotes = parser.addresses('remote_addresses');
  if (remotes?.every((remote) => remote === address) === true) {
    parser.complain('"remote_addresses" must name another member');
  }
  const base = remotes === null ? parseBase(parser) : null;
  const clusterId = parser.uuid('cluster_id', remotes === null);
  const complaint = parser.finish(HEADER_MEMBERS);
  if (complaint !== null) return { ok: false, reason: complaint };
  return { ok: true, value: { serverId, name, address, clusterId, base } };
}

function parseBase(parser: MemberParser): LogBase {
  const servers = parser.servers('prev_servers', true) ?? new Map<string, string>();
  const index = parser.uint64('prev_index');
  if (index === 0) return { servers, snapshot: null };
  parser.has('prev_data', ['array', 'object', 'string', 'number', 'word']);
  const eid = parser.uuid('prev_eid', true) ?? '';
  const term = parser.uint64('prev_term', true);
  parser.uint64('prev_election_timer');
  return { servers, snapshot: { index, term, eid } };
}

const ALLOWED: Readonly<Record<LogRecord['type'], ReadonlySet<string>>> = {
  note: new Set(['comment', 'note']),
  commit: new Set(['comment', 'commit_index']),
  term: new Set(['comment', 'commit_index', 'term', 'index']),
  vote: new Set(['comment', 'commit_index', 'term', 'vote']),
  leader: new Set(['comment', 'commit_index', 'term', 'leader']),
  entry: new Set(['comment', 'commit_index', 'term', 'index', 'servers', 'election_timer', 'data', 'eid']),
};

/** Parses any record but the first (`raft_record_from_json` in OVS `ovsdb/raft-private.c`). */
export function parseRecord(members: ReadonlyMap<string, ScannedMember>): Parsed<LogRecord> {
  const parser = new MemberParser(members);
  const value = readRecord(parser);
  const complaint = parser.finish(ALLOWED[value.type]);
  return complaint === null ? { ok: true, value } : { ok: false, reason: complaint };
}

function readRecord(parser: MemberParser): LogRecord {
  parser.has('comment', ['string']);
  const note = parser.string('note');
  if (note !== null) return { type: 'note', note };
  const commitIndex = parser.uint64('commit_index');
  if (commitIndex !== 0) return { type: 'commit', commitIndex };
  const term = parser.uint64('term', true);
  const leader = parser.serverId('leader');
  if (leader !== null) return { type: 'leader', term, serverId: leader };
  const vote = parser.serverId('vote');
  if (vote !== null) return { type: 'vote', term, serverId: vote };
  const index = parser.uint64('index');
  return index === 0 ? { type: 'term', term } : readEntry(parser, term, index);
}

function readEntry(parser: MemberParser, term: number, index: number): LogEntry {
  const servers = parser.servers('servers');
  parser.uint64('election_timer');
  const hasData = parser.has('data', ['object', 'array']);
  const eid = hasData ? parser.uuid('eid', true) : null;
  return { type: 'entry', term, index, eid, servers };
}
