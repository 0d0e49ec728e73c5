import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HEAL_STEPS } from '../../src/heal/journal.ts';
import { plan } from '../../src/heal/plan.ts';
import { LIMITS, factsOf } from '../support/compact-facts.ts';
import { COMMIT_INDEX, withProblem } from '../support/evidence.ts';
import {
  COMPACT_TIMEOUT_MS,
  dyingAfter,
  makeHealWorld,
  withCommit,
  withOwnMark,
} from './scripted-compact.ts';

const mostly = fc.constantFrom(true, true, true, true, false);

const script = fc.record({
  granted: mostly,
  leftMs: mostly.map((enough) => (enough ? COMPACT_TIMEOUT_MS : COMPACT_TIMEOUT_MS - 1)),
  guardsPass: mostly,
  replies: fc.constantFrom('done' as const, 'refused' as const, 'lost' as const),
  compacts: mostly,
  newFile: fc.constantFrom(
    (evidence: Parameters<ReturnType<typeof withCommit>>[0]) => evidence,
    withProblem('damaged-record'),
    withCommit(COMMIT_INDEX - 1),
    withOwnMark('contradicted'),
    withOwnMark('unknown'),
  ),
  diesAfter: fc.option(fc.constantFrom(...HEAL_STEPS)),
  lives: fc.array(
    fc.record({
      isSilent: fc.boolean(),
      isGone: fc.boolean(),
      waitMs: fc.constantFrom(0, COMPACT_TIMEOUT_MS),
    }),
    { maxLength: 4 },
  ),
});

test('whatever happens, the server is asked at most once, only when all guards passed, and a heal is closed once', async (t) => {
  let healed = 0;
  await fc.assert(
    fc.asyncProperty(script, async (given) => {
      const world = await makeHealWorld(t);
      const { port, clock } = world;
      port.turn = { granted: given.granted, because: 'so' };
      port.leftMs = given.leftMs;
      port.compacts = given.compacts;
      port.newFile = given.newFile;
      if (!given.guardsPass) port.wanted = plan(factsOf(undefined, { mode: 'observe' }), LIMITS);
      if (given.replies === 'refused') port.reply = { outcome: 'refused', reason: 'other', text: 'no' };
      if (given.replies === 'lost') port.reply = new Error('no answer');

      if (given.diesAfter === null) await world.run();
      else {
        const { journal, died } = dyingAfter(await world.journal(), given.diesAfter);
        await Promise.race([world.run(journal), died]);
      }
      for (const life of given.lives) {
        port.isSilent = life.isSilent;
        port.isGone = life.isGone;
        clock.advance(life.waitMs);
        await world.restart();
      }
      port.isSilent = false;
      port.isGone = false;
      clock.advance(COMPACT_TIMEOUT_MS);
      await world.restart();

      const asked = port.calls.filter((call) => call === 'compact').length;
      const mayAsk = given.granted && given.guardsPass && given.leftMs >= COMPACT_TIMEOUT_MS;
      assert.ok(asked <= (mayAsk ? 1 : 0), `asked ${String(asked)} times`);
      const closed = (await world.steps()).filter(([step]) => step === 'closed');
      assert.equal(closed.length, 1);
      const outcome = closed[0]?.[1];
      if (outcome === 'healed') {
        healed += 1;
        assert.ok(port.hasCompacted);
      }
      if (asked === 0) assert.ok(outcome === 'refused' || outcome === 'abandoned');
      assert.deepEqual(await world.restart(), []);
    }),
    { numRuns: 150 },
  );
  assert.ok(healed > 5, `${String(healed)} were healed`);
});
