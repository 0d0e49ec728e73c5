import { SIGNATURE_CLASSES, type SignatureClass } from './finding.ts';
import entries from './signatures.json' with { type: 'json' };

/** One message of a server, as described in `signatures.json`. */
export interface Signature {
  readonly id: string;
  readonly class: SignatureClass;
  /** A line that contains none of these cannot match. */
  readonly needles: readonly string[];
  readonly pattern: RegExp;
  /** What the line means, in one sentence. */
  readonly meaning: string;
  /** What to do next. */
  readonly next: string;
  /** Lines that a real server printed, and that must or must not match. */
  readonly positive: readonly string[];
  readonly negative: readonly string[];
}

/**
 * Every signature, the specific before the general: of several that match a line, the first one counts. The messages
 * are those of OVS `ovsdb/raft.c`, `raft-private.c`, `raft-rpc.c`, `log.c`, `storage.c`, `file.c`, `ovsdb-server.c` and
 * `lib/lockfile.c` from 2.17 to 3.7, and of Kube-OVN's `start-db.sh`.
 */
export const SIGNATURES: readonly Signature[] = entries.map((entry) => ({
  ...entry,
  class: signatureClass(entry.class),
  pattern: new RegExp(entry.pattern),
}));

function signatureClass(name: string): SignatureClass {
  const known = SIGNATURE_CLASSES.find((candidate) => candidate === name);
  if (known === undefined) throw new TypeError(`signatures.json: no class is called ${name}`);
  return known;
}
