import type { AddressInfo } from 'node:net';
import { createServerCloser } from '../lib/server-closer.ts';
import { type AgentSources, buildAgentApp } from './agent-app.ts';

export interface HttpServerOptions extends AgentSources {
  readonly host: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
}

export interface HttpServer {
  readonly host: string;
  readonly port: number;
  /** Says "not ready" from now on, and nothing else: readiness goes off before the listener does. */
  stopReadiness(): void;
  /** Lets requests in flight finish; cuts what is left after the deadline. */
  close(deadlineMs: number): Promise<void>;
}

const MAX_CONNECTIONS = 256;

/**
 * The plain listener for people and Prometheus. It only shows; nothing can be changed through it.
 * @throws the system error when it cannot listen.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  let stopping = false;
  const isWatching = (): { ok: boolean; because: string } =>
    stopping ? { ok: false, because: 'the agent is stopping' } : options.isWatching();
  const app = buildAgentApp({ ...options, isWatching });
  const closer = createServerCloser(app.server, () => app.close());
  app.server.maxConnections = MAX_CONNECTIONS;
  await app.listen({ host: options.host, port: options.port });
  const { address, port } = app.server.address() as AddressInfo;
  const stopReadiness = (): void => {
    stopping = true;
  };
  return {
    host: address,
    port,
    stopReadiness,
    async close(deadlineMs) {
      stopReadiness();
      await closer(deadlineMs);
    },
  };
}
