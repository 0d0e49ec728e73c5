import type { MemberEvidence } from '../../src/diagnose/evidence.ts';
import type { Database } from '../../src/ovsdb/database.ts';

const CLUSTER_ID = 'ca7906e3-e871-4d66-851e-11f1f96c6933';
const SERVER_IDS = ['5c631e1c-962e-4ae9-bc41-6c562e9e005a', '4621d7a4-8d57-4a43-9d4c-38ee1f9a2f5d'];
const EID = '0f1e2d3c-4b5a-4968-8776-655443322110';

/** Sound evidence of one member, whole: each part that can be null is filled in. */
export function exampleEvidence(node: string, database: Database, leads = false): MemberEvidence {
  const serverId = SERVER_IDS[leads ? 0 : 1] ?? '';
  const mark = {
    clusterId: CLUSTER_ID,
    serverId,
    node,
    at: '2026-11-24T03:00:00.000Z',
    index: 41,
    term: 2,
    eid: EID,
  };
  return {
    node,
    database,
    takenAt: '2026-11-24T03:00:01.000Z',
    server: {
      state: 'up',
      storage: 'ok',
      version: '3.1.0',
      incarnation: '4711/3',
      status: exampleStatus(serverId, leads),
    },
    file: {
      report: {
        file: `/etc/ovn/ovn${database}_db.db`,
        ok: true,
        database: database === 'nb' ? 'OVN_Northbound' : 'OVN_Southbound',
        clusterId: CLUSTER_ID,
        serverId,
        address: 'tcp:127.0.0.1:6643',
        records: 120,
        sizeBytes: 81_920,
        term: 2,
        lastIndex: 42,
        commitIndex: 41,
        eid: EID,
        problems: [],
      },
      inode: '2049:131',
      checkedAt: '2026-11-24T03:00:00.000Z',
      fullyCheckedAt: '2026-11-24T02:00:00.000Z',
      pastPageCache: 'yes',
    },
    rot: null,
    ownMark: mark,
    standings: [{ mark, standing: 'contained' }],
    findings: [{ signature: 'torn-tail', class: 'corruption', at: null }],
  };
}

function exampleStatus(serverId: string, leads: boolean) {
  return {
    name: 'OVN_Northbound',
    clusterId: CLUSTER_ID,
    serverId,
    address: 'tcp:127.0.0.1:6643',
    membership: 'member',
    membershipText: 'cluster member',
    remotesForJoining: [],
    role: leads ? 'leader' : 'follower',
    term: 2,
    leader: leads ? 'self' : '5c63',
    vote: null,
    electionTimerMs: 1_000,
    log: { start: 2, end: 43 },
    uncommitted: 1,
    unapplied: 0,
    connections: [{ direction: 'to', peer: '4621', up: true }],
    disconnections: 0,
    adding: [],
    removing: [],
    servers: [
      {
        nickname: '5c63',
        sidPrefix: '5c63',
        address: 'tcp:127.0.0.1:6643',
        self: leads,
        nextIndex: null,
        matchIndex: 42,
        lastMessageMs: null,
      },
    ],
  } as const;
}
