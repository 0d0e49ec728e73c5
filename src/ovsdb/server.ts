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
 * A joiner is refused here and not by the server: ovsdb-server 3.1.0 dies of a segmentation fault when it is asked to
 * compact before it has received a schema.
 * @throws WardenError as {@link clusterStatus} does. After `server-unreachable` the compaction may be going on.
 */
export async function compact(
  socketPath: string,
  schemaName: string,
  options: UnixctlOptions,
): Promise<CompactOutcome> {
  const status = await clusterStatus(socketPath, schemaName, options);
  if (status.membership === 'joining') return refused('joining-or-leaving', status.membershipText);
  try {
    await callUnixctl(socketPath, 'ovsdb-server/compact', [schemaName], options);
    return { outcome: 'done' };
  } catch (error) {
    if (!(error instanceof WardenError) || error.code !== 'server-refused') throw error;
    const text = String(error.details['text']);
    const known = COMPACT_REFUSALS.find(([words]) => words.test(text));
    return refused(known?.[1] ?? 'other', text);
  }
}

function refused(reason: CompactRefusal, text: string): CompactOutcome {
  return { outcome: 'refused', reason, text };
}

function invalid(method: string, wanted: string, got: string): WardenError {
  return new WardenError('reply-invalid', `${method}: wanted "${wanted}", got "${got.slice(0, 120)}"`);
}
