import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveOrdinaryLife } from './support/ordinary-life.ts';
import { startWatchedCluster } from './support/watched-cluster.ts';

/** Ten minutes by `make soak`; in the ordinary suite every event is played once. */
const DURATION_MS = Number(process.env['SOAK_MS'] ?? '0');

test('elections, restarts, rotations and compactions of a healthy cluster cause no finding and no act', async (t) => {
  const watched = await startWatchedCluster(t, { database: 'nb' });
  const played = await liveOrdinaryLife(watched.cluster, DURATION_MS);
  t.diagnostic(`${String(played.length)} events played`);

  for (const agent of watched.agents) {
    const said = await watched.waitForDiagnosis(
      agent,
      `${agent.node} to call all members healthy`,
      ({ cluster }) => cluster === 'ok',
    );
    assert.equal(said.frozen, false);
    const metrics = await (await fetch(new URL('/metrics', agent.httpUrl))).text();
    const found = metrics
      .split('\n')
      .filter((line) => line.startsWith('ovn_warden_corruption_found_total{') && !line.endsWith(' 0'));
    assert.deepEqual(found, [], `${agent.node} found damage where there was none`);
  }
  assert.deepEqual(watched.journals(), [], 'no agent began an act');
});
