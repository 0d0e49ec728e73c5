import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { StatusDocument } from '../heal/status-document.ts';
import { WardenError, messageOf } from '../lib/errors.ts';
import { renderStatusPage } from './status-page.ts';

/** What the routes show. Each is asked anew for every request. */
export interface AgentSources {
  readonly getStatus: () => StatusDocument;
  /** Is the agent doing its work? That it is armed is something else. */
  readonly isWatching: () => { readonly ok: boolean; readonly because: string };
  /** Prometheus text format. */
  readonly metrics: () => Promise<string>;
  /** Called with every error that is not the caller's own. */
  readonly onError: (error: Error) => void;
}

const REQUEST_TIMEOUT_MS = 10_000;
const BODY_LIMIT_BYTES = 65_536;
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  usage: 400,
  'guard-refused': 409,
  'no-space': 507,
};

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** The routes that every listener of an agent has; see `docs/reference/http.md`. */
export function buildAgentApp(sources: AgentSources): FastifyInstance {
  const app = Fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: 1_000 },
  });
  app.setErrorHandler((error, _request, reply) => answerError(reply, error, sources.onError));
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({ error: { code: 'usage', message: `there is no ${request.method} ${request.url}` } }),
  );
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(HEADERS);
    await Promise.resolve();
  });
  app.get('/healthz', () => ({ ok: true }));
  app.get('/readyz', async (_request, reply) => {
    const watching = sources.isWatching();
    return await reply.code(watching.ok ? 200 : 503).send(watching);
  });
  app.get(
    '/metrics',
    async (_request, reply) => await reply.type(METRICS_TYPE).send(await sources.metrics()),
  );
  app.get('/api/v1/status', () => sources.getStatus());
  app.get(
    '/',
    async (_request, reply) =>
      await reply.type('text/html; charset=utf-8').send(renderStatusPage(sources.getStatus())),
  );
  return app;
}

async function answerError(
  reply: FastifyReply,
  error: unknown,
  onError: (error: Error) => void,
): Promise<void> {
  const ours = error instanceof WardenError ? error : undefined;
  const status = ours === undefined ? statusOf(error) : (STATUS_OF_CODE[ours.code] ?? 500);
  if (status >= 500) onError(error instanceof Error ? error : new Error(String(error)));
  const hint = ours?.hint === undefined ? {} : { hint: ours.hint };
  await reply
    .code(status)
    .send({ error: { code: ours?.code ?? 'usage', message: messageOf(error), ...hint } });
}

/** Fastify's own errors, such as a body that is too large, carry their status. */
function statusOf(error: unknown): number {
  if (!(error instanceof Error) || !('statusCode' in error)) return 500;
  return typeof error.statusCode === 'number' ? error.statusCode : 500;
}
