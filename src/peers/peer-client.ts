import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import { z } from 'zod';
import { WardenError, messageOf } from '../lib/errors.ts';
import { isCertificateOf } from './node-identity.ts';
import type { TlsMaterial, TlsStore } from './tls-store.ts';

/** A sibling: who it must prove to be, and where it listens. */
export interface PeerAddress {
  readonly node: string;
  /** For example `https://10.0.0.2:10671`. */
  readonly url: string;
}

export interface PeerClientOptions {
  readonly tls: TlsStore;
  /** For the whole exchange, from the connection to the last byte. */
  readonly timeoutMs: number;
  /** Default 4 MiB. */
  readonly maxReplyBytes?: number;
}

/**
 * Asks siblings. Both calls return only what passed `schema`.
 * @throws WardenError `peer-unreachable` (no connection, not the agent that was meant, no whole answer in time),
 * `peer-refused` (it answered no), `reply-invalid` (it answered nonsense, or without end).
 */
export interface PeerClient {
  getJson<T>(peer: PeerAddress, path: string, schema: z.ZodType<T>): Promise<T>;
  postJson<T>(peer: PeerAddress, path: string, body: unknown, schema: z.ZodType<T>): Promise<T>;
  close(): Promise<void>;
}

const DEFAULT_MAX_REPLY_BYTES = 4 * 1024 * 1024;
const REFUSAL_MAX_CHARACTERS = 500;

const refusalSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

interface Connection {
  readonly stamp: string;
  readonly agent: Agent;
}

interface Exchange {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
}

export function createPeerClient(options: PeerClientOptions): PeerClient {
  const connections = new Map<string, Connection>();
  const maxReplyBytes = options.maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES;

  /** One agent for each sibling, because each must show another certificate; a new one after a renewal of ours. */
  async function agentFor(peer: PeerAddress): Promise<Agent> {
    const material = await options.tls.refresh();
    const key = `${peer.node} ${peer.url}`;
    const known = connections.get(key);
    if (known?.stamp === material.stamp) return known.agent;
    const agent = createAgent(peer.node, material, options.timeoutMs, maxReplyBytes);
    connections.set(key, { stamp: material.stamp, agent });
    // Requests in flight end on the former agent, bounded by their own deadline.
    void known?.agent.close();
    return agent;
  }

  async function ask<T>(peer: PeerAddress, exchange: Exchange, schema: z.ZodType<T>): Promise<T> {
    const dispatcher = await agentFor(peer);
    const text = await exchangeText(peer, exchange, dispatcher, options.timeoutMs);
    return checked(peer, exchange.path, text, schema);
  }

  return {
    getJson: (peer, path, schema) => ask(peer, { method: 'GET', path }, schema),
    postJson: (peer, path, body, schema) =>
      ask(peer, { method: 'POST', path, body: JSON.stringify(body) }, schema),
    async close() {
      await Promise.all([...connections.values()].map(({ agent }) => agent.destroy()));
      connections.clear();
    },
  };
}

function createAgent(node: string, material: TlsMaterial, timeoutMs: number, maxReplyBytes: number): Agent {
  return new Agent({
    allowH2: false,
    connections: 2,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: maxReplyBytes,
    // A resumed session would skip checkServerIdentity.
    maxCachedSessions: 0,
    connect: {
      ca: material.ca,
      cert: material.cert,
      key: material.key,
      minVersion: 'TLSv1.3',
      rejectUnauthorized: true,
      timeout: timeoutMs,
      ...(isIP(node) === 0 ? { servername: node } : {}),
      checkServerIdentity: (_host, certificate) =>
        isCertificateOf(new X509Certificate(certificate.raw), node)
          ? undefined
          : new Error(`the certificate there is not that of node "${node}"`),
    },
  });
}

async function exchangeText(
  peer: PeerAddress,
  exchange: Exchange,
  dispatcher: Dispatcher,
  timeoutMs: number,
): Promise<string> {
  try {
    const response = await dispatcher.request({
      origin: new URL(peer.url).origin,
      path: exchange.path,
      method: exchange.method,
      ...(exchange.body === undefined
        ? {}
        : { body: exchange.body, headers: { 'content-type': 'application/json' } }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.body.text();
    if (response.statusCode === 200) return text;
    throw refusal(peer, response.statusCode, text);
  } catch (error) {
    throw error instanceof WardenError ? error : translated(peer, error, timeoutMs);
  }
}

function refusal(peer: PeerAddress, status: number, text: string): WardenError {
  const parsed = refusalSchema.safeParse(jsonOrUndefined(text));
  const said = parsed.success ? `: ${parsed.data.error.message.slice(0, REFUSAL_MAX_CHARACTERS)}` : '';
  const message = `agent ${peer.node} at ${peer.url} refused with status ${String(status)}${said}`;
  return new WardenError('peer-refused', message, {
    details: { status, ...(parsed.success ? { code: parsed.data.error.code } : {}) },
  });
}

/** Errors of undici and of TLS, in our words. */
function translated(peer: PeerAddress, error: unknown, timeoutMs: number): WardenError {
  const who = `agent ${peer.node} at ${peer.url}`;
  const name = error instanceof Error ? error.name : '';
  if (name === 'ResponseExceededMaxSizeError')
    return new WardenError('reply-invalid', `${who} answered more than is ever needed`, { cause: error });
  const reason = name === 'TimeoutError' ? `no whole answer in ${String(timeoutMs)} ms` : reasonOf(error);
  return new WardenError('peer-unreachable', `${who}: ${reason}`, { cause: error });
}

function reasonOf(error: unknown): string {
  const message = messageOf(error);
  return message === '' && error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : message;
}

function checked<T>(peer: PeerAddress, path: string, text: string, schema: z.ZodType<T>): T {
  const where = `agent ${peer.node} at ${peer.url}${path}`;
  const value = jsonOrUndefined(text);
  if (value === undefined)
    throw new WardenError('reply-invalid', `${where}: wanted JSON, got something else`);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? 'the whole' : issue.path.join('.');
  throw new WardenError('reply-invalid', `${where}: ${place}: ${issue?.message ?? 'invalid'}`);
}

/** JSON itself has no undefined, so it can stand for "not JSON". */
function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
