import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TurnKeeper, type TurnRequest } from '../../src/heal/turn.ts';
import { CLUSTER_ID, serverIdOf } from '../support/evidence.ts';
import { ManualClock } from '../support/manual-clock.ts';

const TURN_MS = 120_000;

function requestOf(node: number, healId = `heal-of-${String(node)}`, turnMs = TURN_MS): TurnRequest {
  return {
    healId,
    node: `n${String(node)}`,
    database: 'nb',
    clusterId: CLUSTER_ID,
    serverId: serverIdOf(node),
    turnMs,
  };
}

function makeKeeper() {
  const clock = new ManualClock();
  const keeper = new TurnKeeper(clock, TURN_MS);
  return { clock, keeper };
}

function makeWarmKeeper() {
  const made = makeKeeper();
  made.clock.advance(TURN_MS);
  return made;
}

test('an agent that has only just started refuses until every promise it may have forgotten has ended', () => {
  const { clock, keeper } = makeKeeper();
  clock.advance(TURN_MS - 1);
  assert.deepEqual(keeper.request(requestOf(1), null), {
    granted: false,
    because: 'started only now; promises made before end in 1 ms',
  });
  clock.advance(1);
  assert.deepEqual(keeper.request(requestOf(1), null), { granted: true });
});

test('one turn at a time: another heal is refused, also of the same node, and hears who holds the turn', () => {
  const { keeper } = makeWarmKeeper();
  assert.equal(keeper.request(requestOf(1), null).granted, true);
  assert.deepEqual(keeper.request(requestOf(2), null), { granted: false, because: 'n1 holds the turn' });
  assert.equal(keeper.request(requestOf(1, 'another-heal'), null).granted, false);
  assert.deepEqual(keeper.current()?.node, 'n1');
});

test('a turn ends by itself, at its time and not before', () => {
  const { clock, keeper } = makeWarmKeeper();
  keeper.request(requestOf(1), null);
  clock.advance(TURN_MS - 1);
  assert.equal(keeper.request(requestOf(2), null).granted, false);
  clock.advance(1);
  assert.equal(keeper.current(), null);
  assert.equal(keeper.request(requestOf(2), null).granted, true);
});

test('the same heal may ask again, and its turn is counted anew', () => {
  const { clock, keeper } = makeWarmKeeper();
  keeper.request(requestOf(1), null);
  clock.advance(TURN_MS - 1);
  assert.equal(keeper.request(requestOf(1), null).granted, true);
  clock.advance(TURN_MS - 1);
  assert.equal(keeper.request(requestOf(2), null).granted, false);
});

test('a released turn is free at once; somebody else cannot release it', () => {
  const { keeper } = makeWarmKeeper();
  keeper.request(requestOf(1), null);
  keeper.release('another-heal');
  assert.equal(keeper.request(requestOf(2), null).granted, false);
  keeper.release('heal-of-1');
  assert.equal(keeper.request(requestOf(2), null).granted, true);
});

test('an objection of the agent itself counts before all else, and grants nothing', () => {
  const { keeper } = makeWarmKeeper();
  const refusal = keeper.request(requestOf(1), 'healing its own nb');
  assert.deepEqual(refusal, { granted: false, because: 'healing its own nb' });
  assert.equal(keeper.current(), null);
});

test('a turn that would outlast the forgetting of a restart is never granted', () => {
  const { keeper } = makeWarmKeeper();
  const answer = keeper.request(requestOf(1, 'long', TURN_MS + 1), null);
  assert.equal(answer.granted, false);
  assert.equal(keeper.current(), null);
});

/** An agent that wants to heal: it asks all siblings, and acts while it holds the promise of each. */
interface Holder {
  readonly healId: string;
  readonly node: number;
  untilMs: number;
}

test('no two agents ever act at the same time, whatever the order, with restarts and wall clocks that jump', () => {
  const agents = 3;
  const who = fc.integer({ min: 0, max: agents - 1 });
  const step = fc.oneof(
    fc.record({
      act: fc.constant('ask' as const),
      who,
      turnMs: fc.constantFrom(1_000, TURN_MS, 2 * TURN_MS),
    }),
    fc.record({ act: fc.constantFrom('release', 'restart', 'restart-all', 'renew', 'jump'), who }),
    fc.record({
      act: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 500, 999, 60_000, TURN_MS - 1, TURN_MS),
    }),
  );
  let acted = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const clock = new ManualClock();
      const keepers = Array.from({ length: agents }, () => new TurnKeeper(clock, TURN_MS));
      const holders: (Holder | null)[] = Array.from({ length: agents }, () => null);
      const hasForgotten = Array.from({ length: agents }, () => false);
      let heals = 0;
      clock.advance(TURN_MS);

      /** The siblings' promises, asked one after the other; its own end is counted from before the first question. */
      const ask = (node: number, healId: string, turnMs: number): boolean => {
        const untilMs = clock.monotonicMs() + turnMs;
        const promises = keepers.map((keeper, at) => {
          if (at === node) return true;
          clock.advance(1);
          const isActing = (holders[at]?.untilMs ?? 0) > clock.monotonicMs();
          const busy = isActing && !hasForgotten[at] ? 'healing its own' : null;
          return keeper.request(requestOf(node, healId, turnMs), busy).granted;
        });
        const mayAct = promises.every(Boolean) && keepers[node]?.current() === null;
        if (mayAct) holders[node] = { healId, node, untilMs };
        if (mayAct) hasForgotten[node] = false;
        return mayAct;
      };

      /** Its server goes on compacting, although the agent does not know it any more. */
      const restart = (at: number): void => {
        keepers[at] = new TurnKeeper(clock, TURN_MS);
        hasForgotten[at] = true;
      };

      for (const played of steps) {
        if (played.act === 'wait') clock.advance(played.ms);
        else if (played.act === 'jump') clock.setWall(clock.nowMs() - 999_999_999);
        else if (played.act === 'restart') restart(played.who);
        else if (played.act === 'restart-all') for (const at of keepers.keys()) restart(at);
        else if (played.act === 'release' && !hasForgotten[played.who]) {
          for (const keeper of keepers) keeper.release(holders[played.who]?.healId ?? '');
          holders[played.who] = null;
        } else if (played.act === 'renew') {
          const held = holders[played.who];
          if (held && held.untilMs > clock.monotonicMs() && !hasForgotten[played.who])
            ask(played.who, held.healId, TURN_MS);
        } else if ('turnMs' in played && (holders[played.who]?.untilMs ?? 0) <= clock.monotonicMs()) {
          heals += 1;
          if (ask(played.who, `heal-${String(heals)}`, played.turnMs)) acted += 1;
        }
        const acting = holders.filter((holder) => holder !== null && holder.untilMs > clock.monotonicMs());
        assert.ok(acting.length <= 1, JSON.stringify(acting));
      }
    }),
    { numRuns: 2_000 },
  );
  assert.ok(acted > 500, `${String(acted)} turns were taken`);
});
