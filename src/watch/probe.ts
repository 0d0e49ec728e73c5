import { stat } from 'node:fs/promises';
import type { ServerEvidence } from '../diagnose/evidence.ts';
import { WardenError, messageOf, systemCodeOf } from '../lib/errors.ts';
import { type Database, SCHEMA_NAMES } from '../ovsdb/database.ts';
import { clusterStatus, serverVersion, storageStatus } from '../ovsdb/server.ts';
import { unreachableOf } from '../ovsdb/unixctl.ts';

export interface ProbeTarget {
  readonly database: Database;
  readonly socket: string;
  readonly timeoutMs: number;
}

/** Asks one server about one database. Never rejects: whatever goes wrong is what the probe found. */
export async function probeServer(
  { database, socket, timeoutMs }: ProbeTarget,
  signal?: AbortSignal,
): Promise<ServerEvidence> {
  const options = { timeoutMs, ...(signal === undefined ? {} : { signal }) };
  let incarnation: string;
  try {
    incarnation = await incarnationOf(socket);
  } catch (error) {
    const state = systemCodeOf(error) === 'ENOENT' ? 'down' : 'silent';
    return { state, detail: messageOf(error) };
  }
  try {
    const schema = SCHEMA_NAMES[database];
    const status = await clusterStatus(socket, schema, options);
    const storage = await storageStatus(socket, schema, options);
    const version = await serverVersion(socket, options);
    return { state: 'up', status, storage, version, incarnation };
  } catch (error) {
    return explain(error, incarnation);
  }
}

/** A server makes its socket anew at every start, so the socket's inode and birth tell two processes apart. */
async function incarnationOf(socket: string): Promise<string> {
  const { ino, ctimeMs } = await stat(socket);
  return `${String(ino)}-${String(Math.round(ctimeMs))}`;
}

function explain(error: unknown, incarnation: string): ServerEvidence {
  const detail = messageOf(error);
  if (!(error instanceof WardenError)) return { state: 'silent', detail };
  if (error.code === 'server-refused') return { state: 'no-database', detail, incarnation };
  if (unreachableOf(error) === 'down') return { state: 'down', detail };
  return { state: 'silent', detail };
}
