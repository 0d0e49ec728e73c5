import { type IncomingMessage, request } from 'node:http';
import { z } from 'zod';
import type { StatusDocument } from '../heal/status-document.ts';
import { ERROR_CODES, WardenError, messageOf, systemCodeOf } from '../lib/errors.ts';
import { statusDocumentSchema } from './status-document-schema.ts';

export interface AgentQuestion {
  readonly socketPath: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  /** For the whole exchange. */
  readonly timeoutMs: number;
}

const MAX_REPLY_BYTES = 32 * 1024 * 1024;
const STATUS_TIMEOUT_MS = 10_000;

const refusalSchema = z.object({
  error: z.object({ code: z.enum(ERROR_CODES), message: z.string(), hint: z.string().optional() }),
});

/** What the local agent knows now. */
export async function fetchStatus(socketPath: string): Promise<StatusDocument> {
  const question = {
    socketPath,
    method: 'GET',
    path: '/api/v1/status',
    timeoutMs: STATUS_TIMEOUT_MS,
  } as const;
  return await askAgent(question, statusDocumentSchema);
}

/**
 * Asks the local agent over its Unix socket; the answer must pass `schema`.
 * @throws WardenError `agent-unreachable`, `reply-invalid`, or the error that the agent itself answered with.
 */
export async function askAgent<T>(question: AgentQuestion, schema: z.ZodType<T>): Promise<T> {
  const deadline = AbortSignal.timeout(question.timeoutMs);
  const { status, text } = await exchange(question, deadline).catch((error: unknown) => {
    throw error instanceof WardenError ? error : unreachable(question, error, deadline.aborted);
  });
  if (status !== 200) throw refusal(status, text);
  const value = jsonOrUndefined(text);
  const result = schema.safeParse(value);
  if (value !== undefined && result.success) return result.data;
  const issue = result.error?.issues[0];
  const reason =
    value === undefined || issue === undefined ? 'not JSON' : `${issue.path.join('.')}: ${issue.message}`;
  throw new WardenError('reply-invalid', `the agent's answer cannot be understood: ${reason}`, {
    hint: 'the agent and this command may be of different versions',
  });
}

async function exchange(
  question: AgentQuestion,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  const outgoing = request({
    socketPath: question.socketPath,
    method: question.method,
    path: question.path,
    signal,
    headers: question.body === undefined ? {} : { 'content-type': 'application/json' },
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  outgoing.once('response', resolve);
  outgoing.on('error', reject);
  outgoing.end(question.body === undefined ? undefined : JSON.stringify(question.body));
  const response = await promise;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_REPLY_BYTES)
      throw new WardenError('reply-invalid', `the agent answered more than ${String(MAX_REPLY_BYTES)} bytes`);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') };
}

function unreachable(question: AgentQuestion, error: unknown, isLate: boolean): WardenError {
  const { socketPath, timeoutMs } = question;
  const reason = isLate ? `no answer in ${String(timeoutMs / 1_000)} s` : reasonOf(error);
  return new WardenError('agent-unreachable', `no agent answers on ${socketPath}: ${reason}`, {
    hint: HINTS[systemCodeOf(error) ?? ''] ?? 'look at the log of the agent',
    cause: error,
  });
}

const HINTS: Readonly<Record<string, string>> = {
  ENOENT:
    'start the agent with `ovn-warden agent`, or name its socket with --socket or its file with --config',
  ECONNREFUSED: 'the agent is not running: start it with `ovn-warden agent`',
  EACCES: 'only the user of the agent may talk to it: run this as that user, usually root',
};

function reasonOf(error: unknown): string {
  const code = systemCodeOf(error);
  if (code === 'ENOENT') return 'there is no such socket';
  if (code === 'ECONNREFUSED') return 'nobody listens there';
  return code === 'EACCES' ? 'permission denied' : messageOf(error);
}

function refusal(status: number, text: string): WardenError {
  const parsed = refusalSchema.safeParse(jsonOrUndefined(text));
  if (!parsed.success)
    return new WardenError('reply-invalid', `the agent answered with status ${String(status)} and no reason`);
  const { code, message, hint } = parsed.data.error;
  return new WardenError(code, message, hint === undefined ? {} : { hint });
}

/** JSON itself has no undefined, so it can stand for "not JSON". */
function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
