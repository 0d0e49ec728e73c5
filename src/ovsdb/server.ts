import { systemClock } from '../lib/clock.ts';
import { WardenError } from '../lib/errors.ts';
import { type ClusterStatus, parseClusterStatus } from './cluster-status.ts';
import { type UnixctlOptions, callUnixctl } from './unixctl.ts';

/** Why a server would not compact; its own words are in `text`. */
export type CompactRefusal =
  | 'nothing-new' // nothing was committed since the last snapshot: the file is a fresh one already
  | 'after-failure' // `Status: failed`; only a restart helps
  | 'joining-or-leaving'
  | 'no-space' // the second copy of the database does not fit on the disk; the old file is still whole
  | 'other';

export type CompactOutcome =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'refused'; readonly reason: CompactRefusal; readonly text: string };

/** A server answers the second question after a yes only when the file is written. The rest is reserve. */
const SNAPSHOT_LOOKS = 20;
const SNAPSHOT_LOOK_MS = 50;

/** The server's words, from `raft_store_snapshot` in OVS `ovsdb/raft.c`; the last one is strerror(ENOSPC). */
const COMPACT_REFUSALS: readonly (readonly [RegExp, CompactRefusal])[] = [
  [/not storing a duplicate snapshot/, 'nothing-new'],
  [/cannot store a snapshot following failure/, 'after-failure'],
  [/cannot store a snapshot (while joining|while leaving|after leaving)/, 'joining-or-leaving'],
  [/No space left on device|Disk quota exceeded/, 'no-space'],
];

/**
 * Asks a server how it sees its cluster.
 * @throws WardenError as {@link callUnixctl} and {@link parseClusterStatus} do. `server-refused` ("unknown cluster")
 * means that the server lives and serves no clustered database of this name: it was removed from the cluster while it
 * ran, its file is of another database, or the file is a standalone one.
 */
export async function clusterStatus(
  socketPath: string,
  schemaName: string,
  options: UnixctlOptions,
): Promise<ClusterStatus> {
  return parseClusterStatus(await callUnixctl(socketPath, 'cluster/status', [schemaName], options));
}

/**
 * `ok`, or the server's own words, for example `ovsdb error: inconsistent data`. It is about one thing only: a committed
 * transaction that could not be applied. A full disk, a damaged file and a lost quorum all leave it at `ok`.
 */
export async function storageStatus(
  socketPath: string,
  schemaName: string,
  options: UnixctlOptions,
): Promise<string> {
  const method = 'ovsdb-server/get-db-storage-status';
  const text = (await callUnixctl(socketPath, method, [schemaName], options)).trim();
  const status = /^status: (.+)$/s.exec(text)?.[1];
  if (status === undefined) throw invalid(method, 'status: …', text);
  return status;
}

/** The version of a running server, for example `3.1.0`. */
export async function serverVersion(socketPath: string, options: UnixctlOptions): Promise<string> {
  const text = await callUnixctl(socketPath, 'version', [], options);
  const version = /\(Open vSwitch\) (\d+\.\d+\.\d+\S*)/.exec(text)?.[1];
  if (version === undefined) throw invalid('version', 'ovsdb-server (Open vSwitch) N.N.N', text.trim());
  return version;
}

/** Counters of a server by name, for example `cells` and `raft-log`; which are there depends on its state. */
export async function memoryShow(
  socketPath: string,
  options: UnixctlOptions,
): Promise<ReadonlyMap<string, number>> {
  const text = await callUnixctl(socketPath, 'memory/show', [], options);
  return new Map(Array.from(text.matchAll(/(\S+):(\d+)/g), ([, name = '', value]) => [name, Number(value)]));
}

/**
 * Has a running server write its whole database anew and rename that over the file. The server's one thread is busy all
 * the while; a leader that takes longer than its election timer loses its lead.
 *
 * The status is asked first, for two reasons. ovsdb-server 3.1.0 dies of a segmentation fault when a joiner that has no
 * schema yet is asked to compact. And a server may say yes before it has written anything: when the thread that makes
 * the snapshot is quick, the file is replaced, or fails to be, in the next round of the main loop
 * (`ovsdb_server_compact` in OVS `ovsdb/ovsdb-server.c`, 3.1 to 3.7). So a yes counts once the log starts later.
 * @throws WardenError as {@link clusterStatus} does. After `server-unreachable` the compaction may be going on.
 */
export async function compact(
  socketPath: string,
  schemaName: string,
  options: UnixctlOptions,
): Promise<CompactOutcome> {
  const before = await clusterStatus(socketPath, schemaName, options);
  const hopeless = hopelessCompaction(before);
  if (hopeless !== undefined) return hopeless;
  try {
    await callUnixctl(socketPath, 'ovsdb-server/compact', [schemaName], options);
  } catch (error) {
    if (!(error instanceof WardenError) || error.code !== 'server-refused') throw error;
    const text = String(error.details['text']);
    return refused(compactRefusalOf(text), text);
  }
  for (let look = 0; look < SNAPSHOT_LOOKS; look += 1) {
    const now = await clusterStatus(socketPath, schemaName, options);
    if (now.log.start > before.log.start) return { outcome: 'done' };
    await systemClock.sleep(SNAPSHOT_LOOK_MS, options.signal);
  }
  return refused('other', `the server said yes, but its log still starts at ${String(before.log.start)}`);
}

/** What the server would refuse according to its status. */
function hopelessCompaction(status: ClusterStatus): CompactOutcome | undefined {
  const { membership, membershipText, log, unapplied } = status;
  if (membership === 'failed') return refused('after-failure', membershipText);
  if (membership === 'joining' || membership === 'leaving' || membership === 'left') {
    return refused('joining-or-leaving', membershipText);
  }
  if (log.end - unapplied > log.start) return undefined;
  return refused('nothing-new', `nothing was applied since the snapshot before entry ${String(log.start)}`);
}

/** Sorts the server's words when it refused to compact. */
export function compactRefusalOf(text: string): CompactRefusal {
  return COMPACT_REFUSALS.find(([words]) => words.test(text))?.[1] ?? 'other';
}

function refused(reason: CompactRefusal, text: string): CompactOutcome {
  return { outcome: 'refused', reason, text };
}

function invalid(method: string, wanted: string, got: string): WardenError {
  return new WardenError('reply-invalid', `${method}: wanted "${wanted}", got "${got.slice(0, 120)}"`);
}
