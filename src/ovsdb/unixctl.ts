import { connect, type Socket } from 'node:net';
import { WardenError, messageOf, systemCodeOf } from '../lib/errors.ts';
import { JsonEndFinder } from './unixctl-json-end.ts';

export interface UnixctlOptions {
  /** From the connect to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** A longer answer is refused. Default 16 MiB. */
  readonly maxReplyBytes?: number;
}

/**
 * Why no answer came from a control socket.
 * - `down`: nobody listens there (no socket file, or nothing accepts on it).
 * - `silent`: somebody may be there, no answer came. The server has one thread: busy and dead look the same.
 */
export type Unreachable = 'down' | 'silent';

const DEFAULT_MAX_REPLY_BYTES = 16 * 1024 * 1024;
const REQUEST_ID = 0;
const OPEN_BRACE = 0x7b;
const DOWN_CODES: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ECONNREFUSED']);

/**
 * Asks one question on a server's control socket, on a connection of its own, and gives back the answer's text as it
 * was sent (most answers end in a newline). The protocol is JSON-RPC 1.0, objects back to back with nothing between
 * them; on an error `result` may be absent (`unixctl_command_reply__` in OVS `lib/unixctl.c`). What a server sends
 * after its first answer is not read.
 *
 * ovsdb-server has a single thread and answers nobody while it compacts or loads: expect silence of seconds, and never
 * read it as death.
 * @throws WardenError `server-unreachable` (see {@link unreachableOf}), `server-refused` with the server's own words,
 * `reply-invalid` when what came is not an answer to this question, `aborted` by `signal`.
 */
export async function callUnixctl(
  socketPath: string,
  method: string,
  params: readonly string[],
  options: UnixctlOptions,
): Promise<string> {
  const request = JSON.stringify({ id: REQUEST_ID, method, params });
  const call = `${method} at ${socketPath}`;
  return readAnswer(await exchange(socketPath, request, call, options), call);
}

/** Whether `error` says that nobody listens or that nobody answered; undefined for every other error. */
export function unreachableOf(error: unknown): Unreachable | undefined {
  if (!(error instanceof WardenError) || error.code !== 'server-unreachable') return undefined;
  return error.details['state'] === 'down' ? 'down' : 'silent';
}

/** Sends `request`, resolves with the bytes of the first JSON object that comes back. */
async function exchange(
  socketPath: string,
  request: string,
  call: string,
  options: UnixctlOptions,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  if (options.signal?.aborted === true) throw new WardenError('aborted', `${call} was stopped`);
  const socket = connect({ path: socketPath });
  const timer = setTimeout(() => {
    reject(silent(call, `no answer in ${String(options.timeoutMs)} ms`));
  }, options.timeoutMs);
  const onAbort = (): void => {
    reject(new WardenError('aborted', `${call} was stopped`));
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });
  socket.once('error', (error) => {
    reject(connectionError(error, call));
  });
  collectReply(socket, call, options.maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES, resolve, reject);
  socket.write(request);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

function collectReply(
  socket: Socket,
  call: string,
  maxReplyBytes: number,
  resolve: (reply: Buffer) => void,
  reject: (error: WardenError) => void,
): void {
  const chunks: Buffer[] = [];
  const finder = new JsonEndFinder();
  let sizeBytes = 0;
  socket.on('data', (chunk: Buffer) => {
    if (sizeBytes === 0 && chunk[0] !== OPEN_BRACE) reject(invalid(call, 'a JSON object', quote(chunk)));
    const end = finder.feed(chunk);
    sizeBytes += end ?? chunk.length;
    if (sizeBytes > maxReplyBytes) {
      reject(invalid(call, `at most ${String(maxReplyBytes)} bytes`, `${String(sizeBytes)} and more`));
      socket.destroy();
      return;
    }
    chunks.push(chunk.subarray(0, end));
    if (end !== undefined) resolve(Buffer.concat(chunks));
  });
  socket.once('close', () => {
    if (sizeBytes === 0) reject(silent(call, 'the connection was closed without an answer'));
    else
      reject(invalid(call, 'a whole answer', `${String(sizeBytes)} bytes, then the connection was closed`));
  });
}

function readAnswer(reply: Buffer, call: string): string {
  const answer = parseObject(reply, call);
  if (answer['id'] !== REQUEST_ID) {
    throw invalid(call, `an answer with id ${String(REQUEST_ID)}`, `id ${JSON.stringify(answer['id'])}`);
  }
  const { error, result } = answer;
  if (typeof error === 'string') {
    const text = error.trim();
    throw new WardenError('server-refused', `${call}: ${text}`, { details: { text } });
  }
  if (typeof result === 'string' && (error === null || error === undefined)) return result;
  throw invalid(call, 'a result or an error in text', quote(reply));
}

function parseObject(reply: Buffer, call: string): Readonly<Record<string, unknown>> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(reply);
    // The first byte is an opening brace, so what parses is an object.
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw invalid(call, 'JSON in UTF-8', quote(reply), cause);
  }
}

function connectionError(error: Error, call: string): WardenError {
  const code = systemCodeOf(error);
  if (!DOWN_CODES.has(code)) return silent(call, messageOf(error), error);
  const message = `${call}: nobody listens (${messageOf(error)})`;
  return new WardenError('server-unreachable', message, { cause: error, details: { state: 'down' } });
}

function silent(call: string, why: string, cause?: unknown): WardenError {
  return new WardenError('server-unreachable', `${call}: ${why}`, {
    hint: 'The server has one thread: it may be busy, for example compacting, or dead.',
    cause,
    details: { state: 'silent' },
  });
}

function invalid(call: string, wanted: string, got: string, cause?: unknown): WardenError {
  return new WardenError('reply-invalid', `${call}: wanted ${wanted}, got ${got}`, { cause });
}

function quote(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, 80).toString('latin1'));
}
