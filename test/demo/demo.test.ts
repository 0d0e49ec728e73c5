import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalEntry } from '../../src/heal/journal.ts';
import { exampleEvidence } from '../support/example-evidence.ts';
import { eventOfJournal, eventsOfEvidence } from './agent-events.ts';
import { parseOptions } from './options.ts';
import { type WithAgents, type WithoutAgents, judge, overlaps } from './proof.ts';
import { renderClaims, renderTimes } from './render-proof.ts';
import { StepError, waitIn, within } from './step.ts';
import { formatEvent } from './timeline.ts';

const LINE = { atMs: 12_345, world: 'with agents', host: 'node-2', text: 'found', tone: 'good' } as const;

test('a line of the timeline is plain text in a pipe', () => {
  assert.equal(formatEvent(LINE, false), '  12.3 s  with agents     node-2  found');
});

test('colours change nothing but colours', () => {
  const coloured = formatEvent(LINE, true);
  assert.notEqual(coloured, formatEvent(LINE, false));
  assert.equal(coloured.replaceAll(/\u001b\[\d+m/g, ''), formatEvent(LINE, false));
});

test('options: what is unknown is named, with what was wanted', () => {
  assert.deepEqual(parseOptions(['--keep', '--break', 'heal']), { kind: 'run', keep: true, broken: 'heal' });
  assert.deepEqual(parseOptions([]), { kind: 'run', keep: false, broken: null });
  const wrong = parseOptions(['--break', 'toString']);
  assert.ok(wrong.kind === 'wrong' && /wanted one of .*heal.*, got "toString"/.test(wrong.message));
  assert.equal(parseOptions(['--kep']).kind, 'wrong');
});

const PROVED: WithAgents = {
  faults: [
    { node: 'node-2', database: 'nb', foundMs: 700, preservedMs: 900, copyIsThere: true, healedMs: 3_200 },
  ],
  ledgers: {
    nb: { acknowledged: 50, missing: { 'node-1': 0, 'node-2': 0, 'node-3': 0 } },
    sb: { acknowledged: 50, missing: { 'node-1': 0, 'node-2': 0, 'node-3': 0 } },
  },
  files: [{ name: 'NB of node-1', isClean: true, words: '' }],
  joint: [{ name: 'NB', isClean: true, words: '' }],
  turns: [{ node: 'node-2', database: 'nb', fromMs: 0, toMs: 5 }],
  journal: { entries: 7, badLines: 0, open: 0 },
  verdicts: [{ node: 'node-1', database: 'nb', verdict: 'ok' }],
  words: [],
};

const LOST: WithoutAgents = {
  ledgers: {
    nb: { acknowledged: 50, missing: { 'node-2': 20, 'node-3': 20 } },
    sb: { acknowledged: 50, missing: { 'node-2': 21, 'node-3': 20 } },
  },
  words: [],
  soundNode: 'node-1',
  ends: { nb: 'assertion failed', sb: 'assertion failed' },
};

test('the proof holds when nothing is missing with agents and something is lost without', () => {
  const untrue = judge(PROVED, LOST).filter(({ isTrue }) => !isTrue);
  assert.deepEqual(untrue, []);
});

const [fault] = PROVED.faults;
assert.ok(fault !== undefined);

const DOUBTS: readonly (readonly [title: string, step: string, WithAgents, WithoutAgents])[] = [
  ['a fault was not found', 'detect', { ...PROVED, faults: [{ ...fault, foundMs: null }] }, LOST],
  ['there were no faults at all', 'detect preserve heal', { ...PROVED, faults: [] }, LOST],
  ['a copy is not there', 'preserve', { ...PROVED, faults: [{ ...fault, copyIsThere: false }] }, LOST],
  ['a file was not healed', 'heal', { ...PROVED, faults: [{ ...fault, healedMs: null }] }, LOST],
  [
    'two heals held a turn at once',
    'heal',
    {
      ...PROVED,
      turns: [
        { node: 'node-3', database: 'sb', fromMs: 4, toMs: 9 },
        { node: 'node-2', database: 'nb', fromMs: 0, toMs: 5 },
      ],
    },
    LOST,
  ],
  ['a file is not clean', 'file', { ...PROVED, files: [{ name: 'x', isClean: false, words: 'bad' }] }, LOST],
  [
    'the files contradict each other',
    'file',
    { ...PROVED, joint: [{ name: 'NB', isClean: false, words: 'bad' }] },
    LOST,
  ],
  ['one member lacks a row', 'ledger', withMissing({ 'node-1': 0, 'node-2': 1, 'node-3': 0 }), LOST],
  ['one member could not be read', 'ledger', withMissing({ 'node-1': 0, 'node-2': 0 }), LOST],
  [
    'the journal has a bad line',
    'journal',
    { ...PROVED, journal: { entries: 7, badLines: 1, open: 0 } },
    LOST,
  ],
  ['a heal was left open', 'journal', { ...PROVED, journal: { entries: 7, badLines: 0, open: 1 } }, LOST],
  [
    'an agent sees trouble',
    'status',
    { ...PROVED, verdicts: [{ node: 'node-1', database: 'nb', verdict: 'degraded' }] },
    LOST,
  ],
  [
    'nothing was lost without agents',
    'damage',
    PROVED,
    {
      ...LOST,
      ledgers: { ...LOST.ledgers, sb: { acknowledged: 50, missing: { 'node-2': 3, 'node-3': 0 } } },
    },
  ],
];

for (const [title, step, withAgents, without] of DOUBTS) {
  test(`the proof fails and names its step when ${title}`, () => {
    const untrue = judge(withAgents, without).filter(({ isTrue }) => !isTrue);
    assert.equal([...new Set(untrue.map((claim) => claim.step))].join(' '), step);
    assert.match(renderClaims(untrue, false).join('\n'), /FALSE/);
  });
}

function withMissing(missing: Readonly<Record<string, number>>): WithAgents {
  return { ...PROVED, ledgers: { ...PROVED.ledgers, nb: { acknowledged: 50, missing } } };
}

test('turns that touch do not overlap', () => {
  const turn = { node: 'node-1', database: 'nb' } as const;
  assert.equal(
    overlaps([
      { ...turn, fromMs: 5, toMs: 9 },
      { ...turn, fromMs: 0, toMs: 5 },
    ]),
    0,
  );
});

test('times say never for what did not happen', () => {
  const lines = renderTimes([{ ...fault, healedMs: null }]);
  assert.match(lines.join('\n'), /NB of node-2 +0\.7 s +0\.9 s +never/);
});

test('a step in vain names what was waited for and what was there instead', async () => {
  const waiting = waitIn(
    'heal',
    'the agents to heal',
    60,
    () => undefined,
    () => 'node-2 has not',
  );
  await assert.rejects(waiting, (error: unknown) => {
    assert.ok(error instanceof StepError);
    assert.equal(error.step, 'heal');
    assert.match(error.message, /in vain for the agents to heal: node-2 has not$/);
    return true;
  });
});

test('an error keeps the innermost step', async () => {
  const failing = within('start', async () => await within('arm', () => Promise.reject(new Error('no'))));
  await assert.rejects(failing, (error: unknown) => error instanceof StepError && error.step === 'arm');
});

test('damage is told once: found, put aside, called bad, read again', () => {
  const sound = exampleEvidence('node-2', 'nb');
  const rot = {
    inode: '1:2',
    firstSeenAt: '2026-01-01T00:00:00.000Z',
    reads: 1,
    spanMs: 0,
    pastPageCache: 'yes',
    checkCluster: 'not-run',
    preservedSha256: null,
  } as const;
  const found = { ...sound, rot };
  const confirmed = {
    ...sound,
    rot: { ...rot, reads: 2, spanMs: 2_100, checkCluster: 'bad', preservedSha256: 'ab'.repeat(32) },
  } as const;
  assert.equal(eventsOfEvidence('nb', null, sound).length, 0);
  assert.match(eventsOfEvidence('nb', sound, found)[0]?.text ?? '', /finds the NB file damaged/);
  assert.equal(eventsOfEvidence('nb', found, confirmed).length, 3);
  assert.equal(eventsOfEvidence('nb', sound, confirmed).length, 4);
  assert.equal(eventsOfEvidence('nb', confirmed, confirmed).length, 0);
});

test('a refused heal reads as a pause, a failed one as trouble', () => {
  const entry: JournalEntry = {
    sequence: 1,
    at: '2026-01-01T00:00:00.000Z',
    healId: 'h',
    database: 'nb',
    node: 'node-2',
    remedy: 'compact',
    step: 'closed',
    outcome: 'refused',
    detail: 'node-3 is healing',
    facts: {},
  };
  assert.deepEqual(eventOfJournal(entry), {
    text: 'heal of NB: not now: node-3 is healing',
    tone: 'quiet',
  });
  assert.equal(eventOfJournal({ ...entry, outcome: 'failed' })?.tone, 'bad');
  assert.equal(eventOfJournal({ ...entry, outcome: 'healed' })?.tone, 'good');
  assert.equal(eventOfJournal({ ...entry, step: 'planned', outcome: 'running' }), null);
});
