import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import { type PeerClient, createPeerClient } from '../../src/peers/peer-client.ts';
import { type PeerServer, createPeerServer, peerGet, peerPost } from '../../src/peers/peer-server.ts';
import { type TlsStore, openTlsStore } from '../../src/peers/tls-store.ts';
import { type NodeCertificate, makeCertificates } from '../support/certificates.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

export interface PeerWorld {
  readonly directory: string;
  readonly certificates: Readonly<Record<string, NodeCertificate>>;
}

/** Certificates of a, b, c and a stranger x from one authority, and of b from another. */
export async function makePeerWorld(t: TestContext): Promise<PeerWorld> {
  const directory = await temporaryDirectory(t);
  const ours = await makeCertificates(join(directory, 'ours'), ['a', 'b', 'c', 'x']);
  const other = await makeCertificates(join(directory, 'other'), ['b']);
  return { directory, certificates: { ...ours, 'other-b': filesOf(other, 'b') } };
}

export function filesOf(
  certificates: Readonly<Record<string, NodeCertificate>>,
  node: string,
): NodeCertificate {
  const files = certificates[node];
  if (files === undefined) throw new Error(`no certificate of ${node}`);
  return files;
}

export async function openStore(world: PeerWorld, name: string, node = name): Promise<TlsStore> {
  return await openTlsStore(filesOf(world.certificates, name), {
    node,
    onProblem: (error) => {
      throw error;
    },
  });
}

/** The agent of node a, which knows b and c. */
export async function startServer(
  t: TestContext,
  tls: TlsStore,
  options: { requestTimeoutMs?: number; tlsCheckIntervalMs?: number } = {},
): Promise<PeerServer & { readonly errors: readonly Error[] }> {
  const errors: Error[] = [];
  const server = await createPeerServer({
    host: '127.0.0.1',
    port: 0,
    tls,
    allowedNodes: ['b', 'c'],
    onError: (error) => errors.push(error),
    routes: [
      peerGet('/peer/v1/who', (caller) => Promise.resolve({ caller })),
      peerGet('/peer/v1/broken', () => Promise.reject(new Error('this part is broken'))),
      peerPost(
        '/peer/v1/add',
        z.strictObject({ left: z.int(), right: z.int() }),
        (_caller, { left, right }) => Promise.resolve({ sum: left + right }),
      ),
    ],
    ...options,
  });
  t.after(() => server.close(0));
  return { ...server, errors };
}

export function startClient(t: TestContext, tls: TlsStore, timeoutMs = 5_000): PeerClient {
  const client = createPeerClient({ tls, timeoutMs, maxReplyBytes: 65_536 });
  t.after(() => client.close());
  return client;
}
