import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseLogPiece } from '../../src/watch/log-line.ts';
import { SIGNATURES } from '../../src/watch/signature-catalogue.ts';
import { matchSignature } from '../../src/watch/signature-matcher.ts';
import { allRealLines, kubeOvnLines, labelledLines } from './real-lines.ts';

const REAL = allRealLines();

for (const { id, positive, negative, pattern } of SIGNATURES) {
  test(`${id} matches its positive samples and not its negative ones, and all of them are real`, () => {
    assert.ok(positive.length > 0 && negative.length > 0);
    for (const line of [...positive, ...negative]) assert.ok(REAL.has(parseLogPiece(line).text), line);
    for (const line of positive) assert.equal(matchSignature(parseLogPiece(line).text)?.id, id, line);
    for (const line of negative) assert.ok(!pattern.test(parseLogPiece(line).text), line);
  });
}

test('every signature has its own id, and every needle is needed by a sample', () => {
  assert.equal(new Set(SIGNATURES.map(({ id }) => id)).size, SIGNATURES.length);
  for (const { id, needles, positive } of SIGNATURES) {
    const unused = needles.filter((needle) => !positive.some((line) => line.includes(needle)));
    assert.deepEqual(unused, [], id);
  }
});

test('no benign line of a real server matches anything', () => {
  const benign = labelledLines('error-lines.txt').filter(({ label }) => label === 'BENIGN');
  const healthy = labelledLines('generated-lines.txt').filter(({ label }) =>
    ['healthy', 'joined-member', 'member-beside-stranger'].includes(label),
  );
  assert.ok(benign.length >= 13 && healthy.length >= 15);
  for (const { text } of [...benign, ...healthy]) assert.equal(matchSignature(text), undefined, text);
});

test('every line about a fault in the corpus matches something', () => {
  const faults = labelledLines('error-lines.txt').filter(({ label }) => label !== 'BENIGN');
  assert.ok(faults.length >= 30);
  for (const { text } of faults) assert.notEqual(matchSignature(text), undefined, text);
});

test('every scene with a damaged file is noticed', () => {
  const lines = labelledLines('generated-lines.txt');
  const quiet = new Set(['healthy', 'joined-member', 'member-beside-stranger']);
  for (const scene of new Set(lines.map(({ label }) => label))) {
    const noticed = lines.some(({ label, text }) => label === scene && matchSignature(text) !== undefined);
    assert.equal(noticed, !quiet.has(scene), scene);
  }
});

test('in the logs of a real Kube-OVN exactly the lines about faults match', () => {
  const counts = new Map<string, number>();
  for (const line of kubeOvnLines()) {
    const id = matchSignature(parseLogPiece(line).text)?.id;
    if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  assert.deepEqual(Object.fromEntries([...counts].sort()), {
    'committed-contradicted': 3,
    'configuration-failed': 6,
    'left-cluster': 3,
    'left-while-running': 2,
    'record-unreadable': 2,
    'repaired-by-truncation': 2,
    'truncates-committed': 5,
  });
});

test('the message alone is not enough where a client could have written it', () => {
  const spoofs = [
    'unknown table: No table named Nope.',
    'x|00001|raft|INFO|syntax error: /etc/ovn/ovnnb_db.db: parse error at offset 1 in header line ""',
    'server does not belong to cluster, said the label',
    'assertion raft->commit_index < raft->log_end failed',
  ];
  for (const line of spoofs) assert.equal(matchSignature(line), undefined, line);
});

test('hostile lines of full length take no longer than harmless ones by more than a small factor', () => {
  const pieces = SIGNATURES.flatMap(({ needles, positive }) => [
    ...needles,
    ...positive.map((line) => parseLogPiece(line).text.slice(0, -3)),
    ...positive.map((line) => parseLogPiece(line).text.slice(0, 60)),
  ]);
  const vlog = '2026-11-23T05:10:32.648Z|00003|ovsdb_server|ERR|syntax "';
  for (const piece of [...new Set(pieces), `${vlog}": `, '": ', 'record 1 votes for x', ': ']) {
    const line = `${vlog}${piece.repeat(Math.ceil(65_536 / piece.length))}`.slice(0, 65_536);
    const begin = performance.now();
    matchSignature(line);
    const tookMs = performance.now() - begin;
    assert.ok(tookMs < 1000, `${piece}: ${String(tookMs)} ms`);
  }
});

test('any text at all is matched without an error', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom(...SIGNATURES.flatMap((s) => s.needles)))),
      (parts) => {
        matchSignature(parts.join(' '));
      },
    ),
  );
});
