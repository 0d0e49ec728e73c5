import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { WardenError } from '../../src/lib/errors.ts';
import { type ClusterStatus, commitIndexOf, parseClusterStatus } from '../../src/ovsdb/cluster-status.ts';

const FOLDER = new URL('../fixtures/cluster-status/', import.meta.url);
const NOT_A_STATUS = 'status-kicked-running-member.txt';

function readFixture(name: string): string {
  return readFileSync(new URL(name, FOLDER), 'utf8');
}

/** `membership role term leader vote [start,end) commit members up/all` of each fixture. */
const SUMMARIES: Readonly<Record<string, string>> = {
  'status-3.7.1-kicked-while-down-old-file.txt': 'disconnected candidate 1 unknown null 2..87 86 3 2/2',
  'status-follower-enospc.txt': 'member follower 22 1836 1836 2..224 223 3 4/4',
  'status-initial-m1.txt': 'member leader 1 self self 2..5 4 3 4/4',
  'status-initial-m2.txt': 'member follower 1 5c63 null 2..5 4 3 4/4',
  'status-initial-m3.txt': 'member follower 1 5c63 null 2..5 4 3 4/4',
  'status-joining-no-quorum.txt': 'joining follower 0 unknown null 1..1 0 0 1/3',
  'status-joining-unreachable.txt': 'joining follower 0 unknown null 1..1 0 0 0/1',
  'status-kick-that-loses-quorum-leader-1s.txt': 'member candidate 2 unknown self 2..132 130 2 1/2',
  'status-kick-that-loses-quorum-leader-4s.txt': 'disconnected candidate 4 unknown self 2..132 130 2 1/2',
  'status-kicked-while-down-restarted-old-file.txt': 'disconnected candidate 3 unknown self 2..127 126 3 2/2',
  'status-leader-after-kick-running.txt': 'member leader 1 self self 2..126 125 2 2/2',
  'status-leader-enospc-failed.txt': 'failed leader 24 self self 144..230 228 3 4/4',
  'status-leader-leaving.txt': 'leaving follower 6 5c63 5c63 2..135 134 3 4/4',
  'status-leader-stale-sid-duplicate-address.txt': 'member leader 1 self self 2..130 129 4 4/4',
  'status-leader-with-dead-member.txt': 'member leader 1 self self 2..127 126 3 2/3',
  'status-no-quorum-sole-survivor.txt': 'disconnected candidate 12 unknown self 2..137 136 3 0/2',
  'status-rejoined-without-kick.txt': 'member follower 1 5c63 null 2..130 129 4 4/4',
  'status-rejoined.txt': 'member follower 1 5c63 null 2..127 126 3 4/4',
  'status-restarted-alone.txt': 'member follower 12 unknown self 2..137 136 3 0/2',
};

function summaryOf(status: ClusterStatus): string {
  const { membership, role, term, leader, vote, log, connections, servers } = status;
  const up = connections.filter((connection) => connection.up).length;
  return [
    membership,
    role,
    term,
    leader,
    vote ?? 'null',
    `${String(log.start)}..${String(log.end)}`,
    commitIndexOf(status),
    servers.length,
    `${String(up)}/${String(connections.length)}`,
  ].join(' ');
}

test('every recorded status has an expected summary', () => {
  const recorded = readdirSync(FOLDER).filter((name) => name !== NOT_A_STATUS);
  assert.deepEqual(recorded.sort(), Object.keys(SUMMARIES).sort());
});

for (const [name, summary] of Object.entries(SUMMARIES)) {
  test(`${name} is read in full`, () => {
    const status = parseClusterStatus(readFixture(name));
    assert.equal(summaryOf(status), summary);
    assert.equal(status.name, 'OVN_Northbound');
    assert.equal(status.electionTimerMs, 1000);
    assert.ok(status.disconnections !== null);
    const self = status.servers.filter((server) => server.self);
    assert.equal(self.length, status.membership === 'joining' ? 0 : 1);
    for (const server of self) assert.ok(status.serverId.startsWith(server.sidPrefix));
  });
}

test('a leader with a stale entry shows two servers at one address, with their indexes', () => {
  const status = parseClusterStatus(readFixture('status-leader-stale-sid-duplicate-address.txt'));
  const twins = status.servers.filter(({ address }) => address === 'tcp:127.0.0.2:6643');
  const common = { address: 'tcp:127.0.0.2:6643', self: false, nextIndex: 130 };
  assert.deepEqual(twins, [
    { ...common, nickname: '3f04', sidPrefix: '3f04', matchIndex: 129, lastMessageMs: 22 },
    { ...common, nickname: 'efef', sidPrefix: 'efef', matchIndex: 128, lastMessageMs: 4065 },
  ]);
});

test('a joiner that reached nobody knows no cluster id, only whom it asks', () => {
  const status = parseClusterStatus(readFixture('status-joining-unreachable.txt'));
  assert.equal(status.clusterId, null);
  assert.deepEqual(status.remotesForJoining, ['tcp:127.0.0.77:6643']);
  assert.deepEqual(status.connections, [{ direction: 'to', peer: '0000', up: false }]);
  assert.equal(status.serverId, '3d7908e6-6b76-4105-86d0-505802c7a6a6');
});

test('a line that only a leader in transition prints is read, and one that nobody knows yet is passed over', () => {
  const text = readFixture('status-initial-m1.txt')
    .replace(
      'Role: leader',
      'Adding server ab12 (ab12 at tcp:[fe80::1]:6643) (adding: catchup)\nRole: leader',
    )
    .replace('Role: leader', 'Removing server e2f5 (e2f5 at tcp:127.0.0.2:6643) (removing)\nRole: leader')
    .replace('Election timer: 1000', 'Election timer: 1000 (changing to 2000)\nNews: of the future');
  const status = parseClusterStatus(text);
  assert.deepEqual([status.adding, status.removing], [['ab12'], ['e2f5']]);
  assert.equal(status.electionTimerMs, 1000);
});

test('IPv6 addresses keep their brackets', () => {
  const text = readFixture('status-initial-m1.txt').replaceAll('127.0.0.2', '[fd00::2]');
  const addresses = parseClusterStatus(text).servers.map(({ address }) => address);
  assert.deepEqual(addresses, ['tcp:127.0.0.1:6643', 'tcp:127.0.0.3:6643', 'tcp:[fd00::2]:6643']);
});

test('the words of a kicked member are no status', () => {
  assert.throws(() => parseClusterStatus(readFixture(NOT_A_STATUS)), {
    code: 'reply-invalid',
    message: /line "Status": wanted this line/,
  });
});

const REQUIRED = [
  'Name',
  'Cluster ID',
  'Server ID',
  'Address',
  'Status',
  'Role',
  'Term',
  'Leader',
  'Vote',
  'Election timer',
  'Log',
  'Entries not yet committed',
  'Entries not yet applied',
  'Connections',
  'Servers',
];

for (const line of REQUIRED) {
  test(`a status without its line "${line}" is refused by name`, () => {
    const text = readFixture('status-initial-m1.txt').replace(new RegExp(`^${line}:.*\n`, 'm'), '');
    assert.throws(() => parseClusterStatus(text), {
      code: 'reply-invalid',
      message: new RegExp(`"${line}:?"`),
    });
  });
}

const unreadable: readonly [what: string, from: RegExp, to: string][] = [
  ['Status', /cluster member/, 'on holiday'],
  ['Role', /leader$/m, '<error>'],
  ['Term', /Term: 1/, 'Term: 18446744073709551615'],
  ['Log', /\[2, 5\]/, '[2; 5]'],
  ['Server ID', /Server ID: 5c63/, 'Server ID: me'],
  ['Connections', /<-e2f5/, 'e2f5'],
  ['Servers', /4621 at tcp/, '4621 near tcp'],
];

for (const [line, from, to] of unreadable) {
  test(`a line "${line}" that cannot be read is refused by name`, () => {
    const text = readFixture('status-initial-m1.txt').replace(from, to);
    assert.throws(() => parseClusterStatus(text), { code: 'reply-invalid', details: { line } });
  });
}

test('whatever is cut out of a status or put into it, it is read or refused with an error of ours', () => {
  const texts = readdirSync(FOLDER).map(readFixture);
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.nat(), fc.nat(), fc.string(), (text, from, length, insert) => {
      const start = from % text.length;
      const changed = text.slice(0, start) + insert + text.slice(start + (length % 200));
      try {
        parseClusterStatus(changed);
      } catch (error) {
        assert.ok(error instanceof WardenError);
        assert.equal(error.code, 'reply-invalid');
      }
    }),
    { numRuns: 2000 },
  );
});
