import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';

const DAY_MS = 86_400_000;

export interface NodeCertificate {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface CertificateOptions {
  /** Valid for this many days; default 30. */
  readonly days?: number;
}

/**
 * Makes one authority and a certificate for each node: `ca.pem`, `<node>.pem`, `<node>.key` in `directory`. A node's
 * certificate carries its name as common name and as DNS name, and serves both ends of a connection.
 */
export async function makeCertificates(
  directory: string,
  nodes: readonly string[],
  options: CertificateOptions = {},
): Promise<Readonly<Record<string, NodeCertificate>>> {
  await mkdir(directory, { recursive: true });
  const notBeforeDate = new Date(Date.now() - DAY_MS);
  const notAfterDate = new Date(Date.now() + (options.days ?? 30) * DAY_MS);
  const validity = { notBeforeDate, notAfterDate, keyType: 'ec', algorithm: 'sha256' } as const;
  const authority = await generate([{ name: 'commonName', value: 'ovn-warden test authority' }], {
    ...validity,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const caFile = join(directory, 'ca.pem');
  await writeFile(caFile, authority.cert);
  const made: Record<string, NodeCertificate> = {};
  for (const node of nodes) {
    const issued = await generate([{ name: 'commonName', value: node }], {
      ...validity,
      ca: { key: authority.private, cert: authority.cert },
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'keyUsage', digitalSignature: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        { name: 'subjectAltName', altNames: [{ type: 2, value: node }] },
      ],
    });
    const certFile = join(directory, `${node}.pem`);
    const keyFile = join(directory, `${node}.key`);
    await writeFile(certFile, issued.cert);
    await writeFile(keyFile, issued.private, { mode: 0o600 });
    await chmod(keyFile, 0o600);
    made[node] = { caFile, certFile, keyFile };
  }
  return made;
}
