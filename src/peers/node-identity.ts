import type { X509Certificate } from 'node:crypto';

/** True when the certificate was issued for `node`: its common name or one of its DNS names, no wildcard. */
export function isCertificateOf(certificate: X509Certificate, node: string): boolean {
  return certificate.checkHost(node, { subject: 'always', wildcards: false }) !== undefined;
}

/** The one node among `nodes` that the certificate names; undefined when it names none of them, or several. */
export function certifiedNode(certificate: X509Certificate, nodes: readonly string[]): string | undefined {
  const named = nodes.filter((node) => isCertificateOf(certificate, node));
  return named.length === 1 ? named[0] : undefined;
}
