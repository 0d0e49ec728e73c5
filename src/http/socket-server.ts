import { randomBytes } from 'node:crypto';
import { chmod, lstat, rename, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { WardenError, systemCodeOf } from '../lib/errors.ts';
import { createServerCloser } from '../lib/server-closer.ts';
import { DATABASES, type Database } from '../ovsdb/database.ts';
import { type AgentSources, buildAgentApp } from './agent-app.ts';

export interface SocketServerOptions extends AgentSources {
  /** Absolute path of the socket; its directory must exist. */
  readonly path: string;
  /** Takes a backup of each database now, and answers what `backup create` prints. */
  readonly takeBackups: (databases: readonly Database[]) => Promise<unknown>;
}

export interface SocketServer {
  readonly path: string;
  close(deadlineMs: number): Promise<void>;
}

/** `sun_path` of Linux holds 108 bytes with the final zero. */
const MAX_PATH_BYTES = 107;
const TEMPORARY_NAME_BYTES = 14;
const DIAL_TIMEOUT_MS = 2_000;

const backupRequest = z.strictObject({ databases: z.array(z.enum(DATABASES)).min(1).max(DATABASES.length) });

/**
 * The listener for the local command line: a Unix socket that only its owner may use. The socket of a dead agent is
 * replaced; that of a living one is not.
 * @throws WardenError `config-invalid` when another agent listens there, or the path cannot hold a socket.
 */
export async function createSocketServer(options: SocketServerOptions): Promise<SocketServer> {
  await requireFreeSocket(options.path);
  const app = buildAgentApp(options);
  app.post('/api/v1/backup', async (request) => {
    const result = backupRequest.safeParse(request.body);
    if (result.success) return await options.takeBackups([...new Set(result.data.databases)]);
    throw new WardenError('usage', 'wanted {"databases": ["nb", "sb"]}, one of them or both');
  });
  const closer = createServerCloser(app.server, () => app.close());
  // Bound under another name and renamed, so that nobody ever finds it with open permissions or missing.
  const temporary = join(dirname(options.path), `.sock-${randomBytes(4).toString('hex')}`);
  await app.listen({ path: temporary });
  await chmod(temporary, 0o600);
  await rename(temporary, options.path);
  const inode = await inodeOf(options.path);
  return {
    path: options.path,
    async close(deadlineMs) {
      if ((await inodeOf(options.path)) === inode) await rm(options.path, { force: true });
      await closer(deadlineMs);
    },
  };
}

/** @throws WardenError when a living agent answers on the socket, or the path cannot be one. */
export async function requireFreeSocket(path: string): Promise<void> {
  const longestBytes = Math.max(
    Buffer.byteLength(path),
    Buffer.byteLength(dirname(path)) + 1 + TEMPORARY_NAME_BYTES,
  );
  if (longestBytes > MAX_PATH_BYTES)
    throw new WardenError('config-invalid', `${path} is too long for a socket`, {
      hint: `choose a stateDir whose path is at least ${String(longestBytes - MAX_PATH_BYTES)} bytes shorter`,
    });
  const found = await lstatOrUndefined(path);
  if (found === undefined) return;
  if (!found.isSocket())
    throw new WardenError('config-invalid', `${path} exists and is not a socket`, {
      hint: 'move it away, or choose another stateDir',
    });
  if (await doesAnybodyListen(path))
    throw new WardenError('config-invalid', `another agent already listens on ${path}`, {
      hint: 'stop the other agent, or give this one a stateDir of its own',
    });
}

/** Only a refused connection proves that the one who made the socket is gone. */
async function doesAnybodyListen(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    return await new Promise<boolean>((resolve) => {
      socket.setTimeout(DIAL_TIMEOUT_MS, () => {
        resolve(true);
      });
      socket.once('connect', () => {
        resolve(true);
      });
      socket.once('error', (error) => {
        resolve(systemCodeOf(error) !== 'ECONNREFUSED');
      });
    });
  } finally {
    socket.destroy();
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  return (await lstatOrUndefined(path))?.ino;
}

async function lstatOrUndefined(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
