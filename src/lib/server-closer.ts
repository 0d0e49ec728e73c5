import type { Server } from 'node:http';
import type { Socket } from 'node:net';

const IDLE_SWEEP_MS = 100;

/**
 * Prepares a server for an orderly end; call it before the server listens. The returned function refuses new
 * connections by `close`, drops idle kept-alive ones as they become idle (Prometheus keeps its connection for as long
 * as it can), lets requests in flight finish, and cuts whatever is left after `deadlineMs`, connections in the middle of
 * a TLS handshake included.
 */
export function createServerCloser(
  server: Server,
  close: () => Promise<unknown>,
): (deadlineMs: number) => Promise<void> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return async (deadlineMs) => {
    const sweep = setInterval(() => {
      server.closeIdleConnections();
    }, IDLE_SWEEP_MS);
    const deadline = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, deadlineMs);
    try {
      await close();
    } finally {
      clearInterval(sweep);
      clearTimeout(deadline);
    }
  };
}
