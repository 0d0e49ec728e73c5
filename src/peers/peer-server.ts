import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { WardenError, messageOf } from '../lib/errors.ts';
import { createServerCloser } from '../lib/server-closer.ts';
import { certifiedNode } from './node-identity.ts';
import type { TlsMaterial, TlsStore } from './tls-store.ts';

/** One thing that siblings may ask. Make it with {@link peerGet} or {@link peerPost}. */
export interface PeerRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly handle: (caller: string, body: unknown) => Promise<unknown>;
}

export interface PeerServerOptions {
  readonly host: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  readonly tls: TlsStore;
  /** Nodes that may call; every other certificate is answered with 403, even one of our own authority. */
  readonly allowedNodes: readonly string[];
  readonly routes: readonly PeerRoute[];
  /** Time between two looks at the certificate files. Default 60 s. */
  readonly tlsCheckIntervalMs?: number;
  /** A request must be complete within this time. Default 10 s. */
  readonly requestTimeoutMs?: number;
  /** Called with every error that is not a plain refusal. */
  readonly onError: (error: Error) => void;
}

export interface PeerServer {
  /** Where it listens. */
  readonly host: string;
  readonly port: number;
  close(deadlineMs: number): Promise<void>;
}

const BODY_LIMIT_BYTES = 1024 * 1024;
const MAX_CONNECTIONS = 64;
const STATUS_OF_CODE: Readonly<Record<string, number>> = { usage: 400, 'guard-refused': 409 };

/** A question without a body. */
export function peerGet(path: string, handle: (caller: string) => Promise<unknown>): PeerRoute {
  return { method: 'GET', path, handle };
}

/** A question with a JSON body, which must pass `schema` as it is: nothing is coerced. */
export function peerPost<T>(
  path: string,
  schema: z.ZodType<T>,
  handle: (caller: string, body: T) => Promise<unknown>,
): PeerRoute {
  return {
    method: 'POST',
    path,
    async handle(caller, body) {
      const result = schema.safeParse(body);
      if (result.success) return await handle(caller, result.data);
      const [issue] = result.error.issues;
      const place = issue?.path.join('.') ?? '';
      throw new WardenError('usage', `the request is wrong at "${place}": ${issue?.message ?? 'invalid'}`);
    },
  };
}

/**
 * Listens for siblings over mutual TLS 1.3. A caller is known by its certificate alone: signed by our authority, and
 * naming exactly one of `allowedNodes`.
 * @throws the system error when it cannot listen.
 */
export async function createPeerServer(options: PeerServerOptions): Promise<PeerServer> {
  const app = buildApp(options);
  const closer = createServerCloser(app.server, () => app.close());
  app.server.maxConnections = MAX_CONNECTIONS;
  await app.listen({ host: options.host, port: options.port });
  const rotation = rotateCertificates(app, options);
  const { address, port } = app.server.address() as AddressInfo;
  return {
    host: address,
    port,
    async close(deadlineMs) {
      clearInterval(rotation);
      await closer(deadlineMs);
    },
  };
}

function buildApp(options: PeerServerOptions): FastifyInstance {
  const requestTimeout = options.requestTimeoutMs ?? 10_000;
  const app = Fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout,
    connectionTimeout: 2 * requestTimeout,
    keepAliveTimeout: 30_000,
    https: {
      ...contextOf(options.tls.current()),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: requestTimeout,
      headersTimeout: requestTimeout,
      // Node looks for requests past their time once in this interval; its default is 30 s.
      connectionsCheckingInterval: Math.min(1_000, requestTimeout),
    },
  });
  app.setErrorHandler((error, _request, reply) => refuse(reply, error, options.onError));
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: { code: 'usage', message: 'no such question' } }),
  );
  app.decorateRequest('caller', '');
  app.addHook('onRequest', async (request, reply) => {
    const caller = callerOf(request.raw, options.allowedNodes);
    if (caller !== undefined) request.setDecorator('caller', caller);
    else
      await reply
        .code(403)
        .send({ error: { code: 'peer-refused', message: 'this certificate names no sibling' } });
  });
  for (const route of options.routes) addRoute(app, route);
  return app;
}

function addRoute(app: FastifyInstance, route: PeerRoute): void {
  app.route({
    method: route.method,
    url: route.path,
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const answer = await route.handle(request.getDecorator<string>('caller'), request.body);
      return await reply.send(answer);
    },
  });
}

function callerOf({ socket }: IncomingMessage, allowedNodes: readonly string[]): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? undefined : certifiedNode(certificate, allowedNodes);
}

function contextOf(material: TlsMaterial) {
  return { ca: material.ca, cert: material.cert, key: material.key, minVersion: 'TLSv1.3' } as const;
}

/** New connections get the new certificate; open ones live on. */
function rotateCertificates(app: FastifyInstance, options: PeerServerOptions): NodeJS.Timeout {
  const server = app.server as unknown as { setSecureContext(context: object): void };
  let stamp = options.tls.current().stamp;
  const look = async (): Promise<void> => {
    const material = await options.tls.refresh();
    if (material.stamp === stamp) return;
    server.setSecureContext(contextOf(material));
    stamp = material.stamp;
  };
  const timer = setInterval(() => {
    look().catch((error: unknown) => {
      options.onError(error instanceof Error ? error : new Error(String(error)));
    });
  }, options.tlsCheckIntervalMs ?? 60_000);
  return timer.unref();
}

async function refuse(reply: FastifyReply, error: unknown, onError: (error: Error) => void): Promise<void> {
  const code = error instanceof WardenError ? error.code : undefined;
  const status = code === undefined ? statusOf(error) : (STATUS_OF_CODE[code] ?? 500);
  if (status >= 500) onError(error instanceof Error ? error : new Error(String(error)));
  await reply.code(status).send({ error: { code: code ?? 'usage', message: messageOf(error) } });
}

/** Fastify's own errors, such as a body that is too large, carry their status. */
function statusOf(error: unknown): number {
  if (!(error instanceof Error) || !('statusCode' in error)) return 500;
  return typeof error.statusCode === 'number' ? error.statusCode : 500;
}
