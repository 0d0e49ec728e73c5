import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { WardenError } from '../../src/lib/errors.ts';
import { type Metrics, createMetrics } from '../../src/metrics/metrics.ts';
import { DATABASES } from '../../src/ovsdb/database.ts';
import {
  exampleDatabase,
  examplePlan,
  exampleStatusDocument,
  withTrouble,
} from '../support/example-status.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const REFERENCE = new URL('../../docs/reference/metrics.md', import.meta.url);

async function start(t: TestContext, stateDir?: string, problems: WardenError[] = []): Promise<Metrics> {
  return await createMetrics({
    node: 'a',
    version: '0.1.0',
    databases: DATABASES,
    siblings: ['b', 'c'],
    stateDir: stateDir ?? (await temporaryDirectory(t)),
    onProblem: (error) => problems.push(error),
  });
}

/** The value of one series, by its name and labels as Prometheus prints them. */
async function valueOf(metrics: Metrics, series: string): Promise<string | undefined> {
  const lines = (await metrics.render()).split('\n');
  return lines.find((line) => line.startsWith(`${series} `))?.slice(series.length + 1);
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? '');
}

test('every metric is documented, and every documented one exists', async (t) => {
  const page = await readFile(REFERENCE, 'utf8');
  const documented = new Set(
    [...page.matchAll(/`((?:ovn_warden|nodejs|process)_\w+)`/g)].map(([, name]) => name),
  );
  const registered = new Set(namesIn(await (await start(t)).render()));
  assert.deepEqual([...registered].sort(), [...documented].sort());
});

test('every series is there before anything happened', async (t) => {
  const metrics = await start(t);
  for (const [series, value] of [
    ['ovn_warden_corruption_found_total{database="nb",kind="damaged-record"}', '0'],
    ['ovn_warden_corruption_found_total{database="sb",kind="torn-tail"}', '0'],
    ['ovn_warden_corruption_last_seen_timestamp_seconds{database="sb"}', '0'],
    ['ovn_warden_member_verdict{database="nb",node="c",verdict="ahead"}', '0'],
    ['ovn_warden_cluster_verdict{database="sb",verdict="regressed"}', '0'],
    ['ovn_warden_member_evidence_age_seconds{database="nb",node="b"}', '+Inf'],
    ['ovn_warden_heal_guard_refusing{database="nb",guard="newest-data"}', '0'],
    ['ovn_warden_heals_total{database="nb",remedy="compact",outcome="failed"}', '0'],
    ['ovn_warden_log_findings_total{database="none",class="io"}', '0'],
    ['ovn_warden_peer_requests_total{node="c",outcome="refused"}', '0'],
    ['ovn_warden_backup_newest_verified_timestamp_seconds{database="nb"}', '0'],
    ['ovn_warden_armed', '0'],
    ['ovn_warden_log_lines_total', '0'],
  ] as const)
    assert.equal(await valueOf(metrics, series), value, series);
});

test('a status shows itself, and the next one replaces it', async (t) => {
  const metrics = await start(t);
  metrics.observe(exampleStatusDocument());
  assert.equal(await valueOf(metrics, 'ovn_warden_armed'), '1');
  assert.equal(await valueOf(metrics, 'ovn_warden_heal_mode{mode="auto"}'), '1');
  const healthy = 'ovn_warden_member_verdict{database="nb",node="a",verdict="healthy"}';
  const rotten = 'ovn_warden_member_verdict{database="nb",node="a",verdict="rotten"}';
  const ghost = 'ovn_warden_member_verdict{database="nb",node="ghost-1",verdict="ghost"}';
  assert.equal(await valueOf(metrics, healthy), '1');
  assert.equal(await valueOf(metrics, 'ovn_warden_member_evidence_age_seconds{database="sb",node="c"}'), '3');
  assert.equal(await valueOf(metrics, 'ovn_warden_scrub_direct_read_available{database="nb"}'), '1');
  assert.equal(await valueOf(metrics, 'ovn_warden_file_size_bytes{database="nb"}'), '81920');
  const newest = Date.parse('2026-11-24T02:17:00.000Z') / 1_000;
  assert.equal(
    await valueOf(metrics, 'ovn_warden_backup_newest_verified_timestamp_seconds{database="sb"}'),
    String(newest),
  );
  const members = [
    { node: 'a', verdict: 'rotten', because: '' },
    { node: 'ghost-1', verdict: 'ghost', because: '' },
  ] as const;
  metrics.observe(withTrouble('nb', { cluster: 'at-risk', members }));
  assert.equal(await valueOf(metrics, healthy), '0');
  assert.equal(await valueOf(metrics, rotten), '1');
  assert.equal(await valueOf(metrics, ghost), '1');
  assert.equal(await valueOf(metrics, 'ovn_warden_cluster_verdict{database="nb",verdict="at-risk"}'), '1');
  assert.equal(await valueOf(metrics, 'ovn_warden_cluster_verdict{database="nb",verdict="ok"}'), '0');
  metrics.observe(exampleStatusDocument());
  assert.equal(await valueOf(metrics, ghost), undefined);
});

test('a guard shows only while it holds back a remedy', async (t) => {
  const metrics = await start(t);
  const guard = {
    id: 'turn',
    ok: false,
    value: 'b heals',
    threshold: 'nobody',
    ageMs: 0,
    toPass: 'wait',
  } as const;
  const series = 'ovn_warden_heal_guard_refusing{database="nb",guard="turn"}';
  metrics.observe(withTrouble('nb', { plan: examplePlan('nb', 'compact', [guard]) }));
  assert.equal(await valueOf(metrics, series), '1');
  metrics.observe(withTrouble('nb', { plan: examplePlan('nb', 'none', [guard]) }));
  assert.equal(await valueOf(metrics, series), '0');
  const status = exampleStatusDocument();
  metrics.observe({ ...status, databases: [{ ...exampleDatabase('nb'), plan: null }] });
  assert.equal(await valueOf(metrics, series), '0');
});

test('events are counted under their labels', async (t) => {
  const metrics = await start(t);
  metrics.findingSeen(null, 'io');
  metrics.findingSeen('nb', 'fatal-file');
  metrics.tailLines(7);
  metrics.scrubbed('sb', 4_096);
  metrics.healEnded('nb', 'compact', 'healed');
  metrics.backupEnded('sb', 'failed');
  metrics.copiesHeld('preserved', 5);
  metrics.copiesBudget(100);
  metrics.peerAsked('b', 'unreachable');
  metrics.certificateExpiry(1_800_000_000_000);
  for (const [series, value] of [
    ['ovn_warden_log_findings_total{database="none",class="io"}', '1'],
    ['ovn_warden_log_findings_total{database="nb",class="fatal-file"}', '1'],
    ['ovn_warden_log_lines_total', '7'],
    ['ovn_warden_scrub_bytes_total{database="sb"}', '4096'],
    ['ovn_warden_heals_total{database="nb",remedy="compact",outcome="healed"}', '1'],
    ['ovn_warden_backups_total{database="sb",outcome="failed"}', '1'],
    ['ovn_warden_copies_bytes{kind="preserved"}', '5'],
    ['ovn_warden_copies_budget_bytes', '100'],
    ['ovn_warden_peer_requests_total{node="b",outcome="unreachable"}', '1'],
    ['ovn_warden_certificate_expiry_timestamp_seconds', '1800000000'],
  ] as const)
    assert.equal(await valueOf(metrics, series), value, series);
});

test('corruption outlives the agent', async (t) => {
  const stateDir = await temporaryDirectory(t);
  const series = 'ovn_warden_corruption_found_total{database="nb",kind="damaged-record"}';
  const lastSeen = 'ovn_warden_corruption_last_seen_timestamp_seconds{database="nb"}';
  const first = await start(t, stateDir);
  await Promise.all([
    first.corruptionFound('nb', 'damaged-record', 1_790_000_000_000),
    first.corruptionFound('nb', 'damaged-record', 1_790_000_001_000),
    first.corruptionFound('sb', 'torn-tail', 1_790_000_002_000),
  ]);
  assert.equal(await valueOf(first, series), '2');
  const second = await start(t, stateDir);
  assert.equal(await valueOf(second, series), '2');
  assert.equal(await valueOf(second, lastSeen), '1790000001');
  await second.corruptionFound('nb', 'damaged-record', 1_790_000_003_000);
  const third = await start(t, stateDir);
  assert.equal(await valueOf(third, series), '3');
  assert.equal(
    await valueOf(third, 'ovn_warden_corruption_found_total{database="sb",kind="torn-tail"}'),
    '1',
  );
});

test('counts that cannot be understood are reported and set aside, and counting starts from zero', async (t) => {
  const stateDir = await temporaryDirectory(t);
  const path = join(stateDir, 'corruption-counts.json');
  for (const content of ['', '{"version":1', '{"version":2}', '{"version":1,"nb":{},"sb":{}}', 'noise']) {
    await writeFile(path, content);
    const problems: WardenError[] = [];
    const metrics = await start(t, stateDir, problems);
    assert.equal(problems[0]?.code, 'state-corrupt', content);
    assert.match(problems[0].message, /corruption-counts\.json cannot be understood; .* start from zero/);
    const aside = /moved to (\S+),/.exec(problems[0].message)?.[1] ?? '';
    assert.equal(await readFile(aside, 'utf8'), content);
    await metrics.corruptionFound('nb', 'torn-tail', 1_790_000_000_000);
    const healed = await start(t, stateDir);
    assert.equal(
      await valueOf(healed, 'ovn_warden_corruption_found_total{database="nb",kind="torn-tail"}'),
      '1',
    );
  }
});

test('counts that cannot be written are an error of the caller, and are shown all the same', async (t) => {
  const metrics = await start(t, join(await temporaryDirectory(t), 'absent'));
  await assert.rejects(metrics.corruptionFound('nb', 'torn-tail', 1), { code: 'ENOENT' });
  assert.equal(
    await valueOf(metrics, 'ovn_warden_corruption_found_total{database="nb",kind="torn-tail"}'),
    '1',
  );
});
