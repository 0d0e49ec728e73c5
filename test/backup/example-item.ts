import type { CopyItem } from '../../src/backup/copy-item.ts';

/** A digest that is easy to tell from others: `digest('a')` is sixty-four times `a`. */
export function digest(hexDigit: string): string {
  return hexDigit.repeat(64).slice(0, 64);
}

/** A verified backup of nb; `sequence` also gives its id, hour and commit index. */
export function exampleItem(sequence: number, changes: Partial<CopyItem> = {}): CopyItem {
  const at = new Date(Date.UTC(2026, 0, 1, sequence)).toISOString();
  const kind = changes.kind ?? 'backup';
  const database = changes.database ?? 'nb';
  return {
    version: 1,
    id: `${String(sequence).padStart(10, '0')}-${kind}-${database}-00000000`,
    sequence,
    kind,
    database,
    node: 'node-1',
    takenAt: at,
    confirmedAt: at,
    reason: 'a test',
    source: '/etc/ovn/ovnnb_db.db',
    files: [exampleFile(sequence.toString(16).padStart(64, '0'))],
    identity: { clusterId: 'cid-1', serverId: 'sid-1', address: 'tcp:127.0.0.1:6643' },
    position: { term: 1, lastIndex: sequence, commitIndex: sequence, eid: null },
    trimmedBytes: 0,
    skipped: [],
    verdict: { state: 'verified' },
    tools: { 'ovn-warden': '0.0.0' },
    ...changes,
  };
}

export function exampleFile(sha256: string): CopyItem['files'][number] {
  const modifiedAt = '2026-01-01T00:00:00.000Z';
  return {
    role: 'db',
    name: 'ovnnb_db.db',
    sha256,
    sizeBytes: 1000,
    mode: 0o600,
    uid: 0,
    gid: 0,
    modifiedAt,
  };
}

export const SUSPECT: CopyItem['verdict'] = {
  state: 'suspect',
  problems: [{ kind: 'damaged-record', record: 3, offset: 99, detail: 'a bad checksum' }],
};
