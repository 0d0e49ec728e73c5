import { WardenError } from '../lib/errors.ts';

export type Membership = 'joining' | 'leaving' | 'left' | 'failed' | 'disconnected' | 'member';

/** One line of the `Servers:` list. */
export interface ClusterServer {
  /** The first four hex digits of the server id; for a `unix:` address the socket's name. */
  readonly nickname: string;
  /** The first four hex digits of the server id, whatever the nickname. */
  readonly sidPrefix: string;
  readonly address: string;
  readonly self: boolean;
  /** Only a leader prints the two indexes; for its own line `nextIndex` means nothing. */
  readonly nextIndex: number | null;
  readonly matchIndex: number | null;
  /** Since its last message; null when it never sent one. Between two followers it grows without bound. */
  readonly lastMessageMs: number | null;
}

export interface ClusterConnection {
  readonly direction: 'to' | 'from';
  /** Nickname; `0000` while the peer's id is not known yet. */
  readonly peer: string;
  readonly up: boolean;
}

/** What one member says of itself and of its cluster in answer to `cluster/status`. */
export interface ClusterStatus {
  /** Schema name, for example `OVN_Northbound`. */
  readonly name: string;
  /** Null while it is "not yet known": a joiner that has reached nobody. */
  readonly clusterId: string | null;
  readonly serverId: string;
  readonly address: string;
  /** `member` is not health: a lone restarted server says it, with an unknown leader, until its second failed election. */
  readonly membership: Membership;
  /** The `Status:` line in the server's own words. */
  readonly membershipText: string;
  readonly remotesForJoining: readonly string[];
  readonly role: 'leader' | 'candidate' | 'follower';
  readonly term: number;
  /** `self`, `unknown`, or the leader's nickname. */
  readonly leader: string;
  /** `self`, a nickname, or null when it did not vote in this term. */
  readonly vote: string | null;
  readonly electionTimerMs: number;
  /** Entries `start` to `end - 1` are in the log; what is before `start` is in the snapshot. */
  readonly log: { readonly start: number; readonly end: number };
  readonly uncommitted: number;
  readonly unapplied: number;
  readonly connections: readonly ClusterConnection[];
  readonly disconnections: number | null;
  /** Nicknames of servers that the leader is adding or removing; others print none. */
  readonly adding: readonly string[];
  readonly removing: readonly string[];
  readonly servers: readonly ClusterServer[];
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const ID_WITH_PREFIX = new RegExp(`^[0-9a-f]{4} \\((${UUID})\\)$`);
const SERVER_LINE = /^ {4}(\S+) \(([0-9a-f]{4}) at (\S+)\)(.*)$/;
const CHANGE_LINE = /^(Adding|Removing) server (\S+) \(/;

const MEMBERSHIPS: Readonly<Record<string, Membership>> = {
  'joining cluster': 'joining',
  'leaving cluster': 'leaving',
  'left cluster': 'left',
  failed: 'failed',
  'disconnected from the cluster (election timeout)': 'disconnected',
  'cluster member': 'member',
};

/**
 * Reads the answer to `cluster/status` (`raft_unixctl_status` in OVS `ovsdb/raft.c`; the same lines from 2.17 to 3.7).
 * Lines that it does not know are passed over, because newer servers may add some.
 * @throws WardenError `reply-invalid` naming the line that is missing or cannot be read.
 */
export function parseClusterStatus(text: string): ClusterStatus {
  const lines = text.split('\n');
  const fields = readFields(lines);
  const membershipText = required(fields, 'Status');
  return {
    name: required(fields, 'Name'),
    clusterId: clusterIdOf(required(fields, 'Cluster ID')),
    serverId: matched(ID_WITH_PREFIX, 'Server ID', required(fields, 'Server ID')),
    address: required(fields, 'Address'),
    membership: MEMBERSHIPS[membershipText] ?? unreadable('Status', 'a known status', membershipText),
    membershipText,
    remotesForJoining: words(fields.get('Remotes for joining') ?? ''),
    role: roleOf(required(fields, 'Role')),
    term: numberOf('Term', required(fields, 'Term')),
    leader: required(fields, 'Leader'),
    vote: voteOf(required(fields, 'Vote')),
    // A leader that changes the timer appends "(changing to N)".
    electionTimerMs: numberOf('Election timer', required(fields, 'Election timer').split(' ')[0] ?? ''),
    log: logOf(required(fields, 'Log')),
    uncommitted: numberOf('Entries not yet committed', required(fields, 'Entries not yet committed')),
    unapplied: numberOf('Entries not yet applied', required(fields, 'Entries not yet applied')),
    connections: words(required(fields, 'Connections')).map(connectionOf),
    disconnections: optionalNumber('Disconnections', fields.get('Disconnections')),
    adding: changes(lines, 'Adding'),
    removing: changes(lines, 'Removing'),
    servers: serversOf(lines),
  };
}

/** The last entry that this member knows to be committed. `Log:` ends one past the last entry. */
export function commitIndexOf(status: ClusterStatus): number {
  return status.log.end - 1 - status.uncommitted;
}

/** The `Key: value` lines before the list of servers; the first of equal keys counts. */
function readFields(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    if (line === 'Servers:') break;
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const key = line.slice(0, colon);
    if (!fields.has(key)) fields.set(key, line.slice(colon + 1).trim());
  }
  return fields;
}

function serversOf(lines: readonly string[]): ClusterServer[] {
  const heading = lines.indexOf('Servers:');
  if (heading < 0) return unreadable('Servers:', 'the list of servers', 'no such line');
  return lines.slice(heading + 1).flatMap((line) => {
    if (!line.startsWith('    ')) return [];
    return [serverOf(line)];
  });
}

function serverOf(line: string): ClusterServer {
  const match = SERVER_LINE.exec(line);
  const [, nickname, sidPrefix, address, rest] = match ?? [];
  if (nickname === undefined || sidPrefix === undefined || address === undefined || rest === undefined) {
    return unreadable('Servers', 'nickname (id at address)', line);
  }
  return {
    nickname,
    sidPrefix,
    address,
    self: rest.includes('(self)'),
    nextIndex: optionalNumber('next_index', /next_index=(\d+)/.exec(rest)?.[1]),
    matchIndex: optionalNumber('match_index', /match_index=(\d+)/.exec(rest)?.[1]),
    lastMessageMs: optionalNumber('last msg', /last msg (\d+) ms ago/.exec(rest)?.[1]),
  };
}

function changes(lines: readonly string[], verb: 'Adding' | 'Removing'): string[] {
  return lines.flatMap((line) => {
    const match = CHANGE_LINE.exec(line);
    return match?.[1] === verb && match[2] !== undefined ? [match[2]] : [];
  });
}

/** `->40b6` goes out, `<-40b6` came in, brackets around it mean that it is down. */
function connectionOf(word: string): ClusterConnection {
  const match = /^(\(?)(->|<-)([^()]+)\)?$/.exec(word);
  if (match?.[3] === undefined) return unreadable('Connections', '->peer or <-peer', word);
  return { direction: match[2] === '->' ? 'to' : 'from', peer: match[3], up: match[1] === '' };
}

function clusterIdOf(value: string): string | null {
  return value === 'not yet known' ? null : matched(ID_WITH_PREFIX, 'Cluster ID', value);
}

function roleOf(value: string): ClusterStatus['role'] {
  if (value === 'leader' || value === 'candidate' || value === 'follower') return value;
  return unreadable('Role', 'leader, candidate or follower', value);
}

function voteOf(value: string): string | null {
  return value === 'unknown' ? null : value;
}

function logOf(value: string): ClusterStatus['log'] {
  const [, start, end] = /^\[(\d+), (\d+)\]$/.exec(value) ?? [];
  if (start === undefined || end === undefined) return unreadable('Log', '[first, end]', value);
  return { start: numberOf('Log', start), end: numberOf('Log', end) };
}

function optionalNumber(line: string, value: string | undefined): number | null {
  return value === undefined ? null : numberOf(line, value);
}

/** Raft counts in 64 bits; beyond 2^53 a count would be rounded in silence, so it is refused. */
function numberOf(line: string, value: string): number {
  const number = /^\d+$/.test(value) ? Number(value) : NaN;
  return Number.isSafeInteger(number) ? number : unreadable(line, 'a whole number', value);
}

function required(fields: ReadonlyMap<string, string>, line: string): string {
  return fields.get(line) ?? unreadable(line, 'this line', 'an answer without it');
}

function matched(pattern: RegExp, line: string, value: string): string {
  return pattern.exec(value)?.[1] ?? unreadable(line, 'an id', value);
}

function words(value: string): string[] {
  return value.split(' ').filter((word) => word !== '');
}

function unreadable(line: string, wanted: string, got: string): never {
  const message = `cluster/status: line "${line}": wanted ${wanted}, got "${got.slice(0, 120)}"`;
  throw new WardenError('reply-invalid', message, { details: { line } });
}
