import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type History,
  MAX_MARKS,
  addMarks,
  holdAgainst,
  inferFromSiblings,
  newestMark,
  prune,
} from '../../src/diagnose/mark-book.ts';
import type { MarkStanding, Standing } from '../../src/diagnose/mark.ts';
import type { LogPosition } from '../../src/ovsdb/log-position.ts';
import {
  CLUSTER_ID,
  OTHER_CLUSTER_ID,
  markOf,
  nodeName,
  positionOf,
  serverIdOf,
} from '../support/evidence.ts';
import { PlayMember, exchange } from './raft-play.ts';

const OWN = markOf(1, positionOf(40));
const OTHER = markOf(2, positionOf(30));

/** A history that shows exactly these positions; below the first of them it is covered by the snapshot. */
function historyOf(positions: readonly LogPosition[], commitIndex = positions.at(-1)?.index ?? 0): History {
  const first = positions[0]?.index ?? 1;
  const last = positions.at(-1)?.index ?? 0;
  return {
    commitIndex,
    positionAt: (index) => {
      const position = positions.find((candidate) => candidate.index === index);
      if (position !== undefined) return { state: 'known', position };
      if (index < first) return { state: 'covered' };
      return { state: index > last ? 'beyond' : 'unknown' };
    },
  };
}

function range(from: number, to: number, line = 0): LogPosition[] {
  return Array.from({ length: to - from + 1 }, (_, offset) => positionOf(from + offset, 3, line));
}

function standingsAfter(book: readonly MarkStanding[], history: History): Standing[] {
  return holdAgainst(book, history, CLUSTER_ID, OWN).map(({ standing }) => standing);
}

test('a mark is contained, contradicted or beyond by what is at its index', () => {
  const book = addMarks([], [OTHER, OWN, markOf(3, positionOf(60))]);
  assert.deepEqual(standingsAfter(book, historyOf(range(1, 50))), ['contained', 'contained', 'beyond']);
  const elsewhere = historyOf([...range(1, 29), positionOf(30, 3, 1), ...range(31, 50)]);
  assert.deepEqual(standingsAfter(book, elsewhere), ['contradicted', 'contained', 'beyond']);
  const laterTerm = historyOf([...range(1, 29), { ...positionOf(30), term: 4 }, ...range(31, 50)]);
  assert.deepEqual(standingsAfter(book, laterTerm), ['contradicted', 'contained', 'beyond']);
});

test('another entry that is not committed here contradicts nothing: raft may still overwrite it', () => {
  const book = addMarks([], [markOf(2, positionOf(48))]);
  const tail = [...range(1, 45), positionOf(46, 2, 1), positionOf(47, 2, 1), positionOf(48, 2, 1)];
  assert.deepEqual(standingsAfter(book, historyOf(tail, 45)), ['beyond']);
  assert.deepEqual(standingsAfter(book, historyOf(tail, 48)), ['contradicted']);
});

test('what was proved stays while the own newest mark is in the history', () => {
  const table: readonly (readonly [Standing, LogPosition[], Standing])[] = [
    ['contained', range(40, 50), 'contained'],
    ['contradicted', range(40, 50), 'contradicted'],
    ['unknown', range(40, 50), 'unknown'],
    // The own mark is covered as well: the history may be that of somebody else.
    ['contained', range(45, 50), 'unknown'],
    ['unknown', range(45, 50), 'unknown'],
    ['beyond', range(45, 50), 'unknown'],
    ['contained', [...range(31, 39), positionOf(40, 3, 1), ...range(41, 50, 1)], 'unknown'],
  ];
  for (const [before, positions, after] of table) {
    const book = [{ mark: OTHER, standing: before }];
    assert.deepEqual(standingsAfter(book, historyOf(positions)), [after], `${before} → ${after}`);
  }
});

test('a log that was seen to go on through a compaction keeps all that was proved', () => {
  const book: readonly MarkStanding[] = [{ mark: OTHER, standing: 'contained' }];
  const compacted = historyOf(range(45, 50));
  assert.equal(holdAgainst(book, compacted, CLUSTER_ID, OWN, true)[0]?.standing, 'contained');
  assert.equal(holdAgainst(book, compacted, CLUSTER_ID, OWN, false)[0]?.standing, 'unknown');
});

test('two committed entries at one index never come to agree, whatever a snapshot hides', () => {
  const book: readonly MarkStanding[] = [{ mark: OTHER, standing: 'contradicted' }];
  assert.deepEqual(standingsAfter(book, historyOf(range(45, 50))), ['contradicted']);
  const asAnotherMember = holdAgainst(book, historyOf(range(45, 50)), CLUSTER_ID, null);
  assert.deepEqual(asAnotherMember[0]?.standing, 'unknown', 'a member with a new id has another history');
  assert.deepEqual(standingsAfter(book, historyOf(range(1, 50))), ['contained'], 'what is seen counts');
});

test('an own mark that was lost stays lost under a snapshot, until somebody proves that it came back', () => {
  const lost = markOf(1, positionOf(42));
  const book: readonly MarkStanding[] = [{ mark: lost, standing: 'beyond' }];
  assert.deepEqual(holdAgainst(book, historyOf(range(45, 50)), CLUSTER_ID, lost)[0]?.standing, 'beyond');
});

test('damage hides marks without changing what was proved, unless the history is another one', () => {
  const damaged: History = {
    commitIndex: 20,
    positionAt: (index) =>
      index <= 20 ? { state: 'known', position: positionOf(index) } : { state: 'unknown' },
  };
  const book: readonly MarkStanding[] = [
    { mark: OTHER, standing: 'contained' },
    { mark: OWN, standing: 'contained' },
  ];
  assert.deepEqual(standingsAfter(book, damaged), ['contained', 'contained']);
  const fromElsewhere: History = {
    commitIndex: 50,
    positionAt: (index) => (index === 30 ? { state: 'unknown' } : { state: 'covered' }),
  };
  assert.deepEqual(standingsAfter(book, fromElsewhere), ['unknown', 'unknown']);
});

test('marks of another cluster are left alone', () => {
  const foreign = markOf(2, positionOf(45), OTHER_CLUSTER_ID);
  const book: readonly MarkStanding[] = [{ mark: foreign, standing: 'contained' }];
  assert.deepEqual(holdAgainst(book, historyOf(range(1, 50, 1)), CLUSTER_ID, OWN), book);
});

test('a sibling lends its proof when its newest mark is in our history', () => {
  const book: readonly MarkStanding[] = [
    { mark: OTHER, standing: 'unknown' },
    { mark: OWN, standing: 'contained' },
  ];
  const lend = (proof: Parameters<typeof inferFromSiblings>[1][number]) =>
    inferFromSiblings(book, [proof])[0]?.standing;
  const contained: readonly MarkStanding[] = [{ mark: OTHER, standing: 'contained' }];
  assert.equal(lend({ ownMark: OWN, standings: contained }), 'contained');
  assert.equal(lend({ ownMark: null, standings: contained }), 'unknown');
  assert.equal(lend({ ownMark: markOf(3, positionOf(48)), standings: contained }), 'unknown');
  assert.equal(lend({ ownMark: OWN, standings: [{ mark: OTHER, standing: 'unknown' }] }), 'unknown');
  assert.equal(lend({ ownMark: OWN, standings: [] }), 'unknown');
});

test('a sibling proves nothing after its own newest mark', () => {
  const late = markOf(2, positionOf(45));
  const book: readonly MarkStanding[] = [
    { mark: late, standing: 'unknown' },
    { mark: OWN, standing: 'contained' },
  ];
  const standings: readonly MarkStanding[] = [{ mark: late, standing: 'contained' }];
  assert.equal(inferFromSiblings(book, [{ ownMark: OWN, standings }])[0]?.standing, 'unknown');
});

test('no word of a sibling overrules a contradiction that was seen here', () => {
  const book: readonly MarkStanding[] = [
    { mark: OTHER, standing: 'contradicted' },
    { mark: OWN, standing: 'contained' },
  ];
  const standings: readonly MarkStanding[] = [{ mark: OTHER, standing: 'contained' }];
  assert.deepEqual(inferFromSiblings(book, [{ ownMark: OWN, standings }]), book);
});

test('a newer contained mark makes an older contained one of the same member superfluous, and no other', () => {
  const older = markOf(2, positionOf(20));
  const newer = markOf(2, positionOf(30));
  const table: readonly (readonly [Standing, Standing, number])[] = [
    ['contained', 'contained', 1],
    ['contained', 'unknown', 2],
    ['unknown', 'contained', 2],
    ['contradicted', 'contained', 2],
    ['beyond', 'contained', 2],
  ];
  for (const [first, second, left] of table) {
    const book: readonly MarkStanding[] = [
      { mark: older, standing: first },
      { mark: newer, standing: second },
    ];
    assert.equal(prune(book).length, left, `${first}, ${second}`);
  }
});

test('a superfluous mark is kept while a sibling still looks for it', () => {
  const older = markOf(2, positionOf(20));
  const book: readonly MarkStanding[] = [older, OTHER].map((mark) => ({ mark, standing: 'contained' }));
  const key = `${CLUSTER_ID}/${serverIdOf(2)}/20/3/${older.eid}`;
  assert.equal(prune(book, new Set([key])).length, 2);
  assert.equal(prune(book, new Set(['another'])).length, 1);
});

test('a full book drops the oldest contained marks, never one that is missing somewhere', () => {
  const standing = fc.constantFrom<Standing>('contained', 'contradicted', 'beyond', 'unknown');
  const entry = fc.record({ number: fc.integer({ min: 1, max: 900 }), standing });
  fc.assert(
    fc.property(fc.array(entry, { minLength: MAX_MARKS, maxLength: 4 * MAX_MARKS }), (entries) => {
      const book = entries.map(({ number, standing }, at) => ({
        mark: markOf(number, positionOf(at + 1)),
        standing,
      }));
      const pruned = prune(book);
      const missing = book.filter((candidate) => candidate.standing !== 'contained');
      assert.deepEqual(
        pruned.filter((candidate) => candidate.standing !== 'contained'),
        missing,
      );
      assert.ok(pruned.length <= Math.max(MAX_MARKS, missing.length));
    }),
  );
});

test('the newest mark of a member is found by index, contained or not', () => {
  const book: readonly MarkStanding[] = [
    { mark: markOf(1, positionOf(9)), standing: 'beyond' },
    { mark: markOf(1, positionOf(4)), standing: 'contained' },
    { mark: markOf(2, positionOf(99)), standing: 'contained' },
    { mark: markOf(1, positionOf(77), OTHER_CLUSTER_ID), standing: 'contained' },
  ];
  assert.equal(newestMark(book, CLUSTER_ID, serverIdOf(1))?.index, 9);
  assert.equal(newestMark(book, CLUSTER_ID, serverIdOf(3)), null);
});

type Act =
  | { readonly act: 'commit'; readonly count: number; readonly followers: readonly number[] }
  | { readonly act: 'stray' | 'cut' | 'compact' | 'look' | 'follow'; readonly who: number }
  | { readonly act: 'elect' | 'exchange' };

function acts(members: number): fc.Arbitrary<Act[]> {
  const who = fc.integer({ min: 0, max: members - 1 });
  const act = fc.oneof(
    fc.record({
      act: fc.constant('commit' as const),
      count: fc.integer({ min: 1, max: 5 }),
      followers: fc.uniqueArray(who, { minLength: Math.floor(members / 2) + 1 }),
    }),
    fc.record({ act: fc.constantFrom('stray', 'cut', 'compact', 'look', 'follow'), who }),
    fc.record({ act: fc.constantFrom('elect', 'exchange') }),
  );
  return fc.array(act, { maxLength: 60 });
}

/**
 * An honest cluster: a leader always has everything that is committed. Followers may have a tail that nobody committed,
 * and may lose the end of their file at a restart; both are set right when they follow.
 */
class HonestCluster {
  readonly members: readonly PlayMember[];
  /** A member that keeps its whole log; null when all may compact. */
  readonly #archivist: PlayMember | null;
  #leader: PlayMember;
  #term = 1;

  constructor(size: number, hasArchivist: boolean) {
    this.members = Array.from({ length: size }, (_, position) => new PlayMember(position + 1));
    this.#leader = this.#member(0);
    this.#archivist = hasArchivist ? this.#member(size - 1) : null;
    this.commit(3, [0, 1, 2]);
  }

  play(step: Act): void {
    if (step.act === 'commit') this.commit(step.count, step.followers);
    else if ('who' in step) this.#playOne(step.act, this.#member(step.who));
    else if (step.act === 'exchange') exchange(this.members);
    else this.#elect();
  }

  commit(count: number, followers: readonly number[]): void {
    this.#leader.append(count, this.#term, 0);
    this.#leader.commit = this.#leader.past.length;
    for (const position of followers)
      if (this.#member(position) !== this.#leader) this.#member(position).follow(this.#leader);
    this.#archivist?.follow(this.#leader);
  }

  /** One more commit that reaches everyone, then time for the agents to talk. */
  settle(): void {
    this.commit(
      1,
      this.members.map((_, position) => position),
    );
    for (let round = 0; round < 4; round += 1) exchange(this.members);
  }

  #playOne(act: 'stray' | 'cut' | 'compact' | 'look' | 'follow', member: PlayMember): void {
    if (act === 'look') member.look();
    else if (act === 'follow' && member !== this.#leader) member.follow(this.#leader);
    else if (act === 'compact' && member !== this.#archivist) member.compact();
    else if (act === 'cut' && member !== this.#leader && member !== this.#archivist)
      member.cutAfter(Math.max(member.snapshot, member.past.length - 4));
    else if (act === 'stray' && member !== this.#leader && member.past.length === this.#leader.past.length)
      member.append(2, this.#term, member.number * 1_000 + member.past.length);
  }

  #elect(): void {
    const complete = this.members.filter(
      (member) => member.commit === this.#leader.commit && member.past.length === member.commit,
    );
    this.#term += 1;
    this.#leader = complete[this.#term % complete.length] ?? this.#leader;
  }

  #member(position: number): PlayMember {
    const member = this.members[position];
    assert.ok(member !== undefined);
    return member;
  }
}

for (const size of [3, 5]) {
  test(`an honest history of ${String(size)} members never loses a mark`, () => {
    fc.assert(
      fc.property(acts(size), (steps) => {
        const cluster = new HonestCluster(size, false);
        for (const step of steps) {
          cluster.play(step);
          for (const member of cluster.members) {
            const contradicted = member.book.filter(({ standing }) => standing === 'contradicted');
            assert.deepEqual(contradicted, []);
          }
        }
        cluster.settle();
        for (const member of cluster.members) {
          assert.deepEqual(member.lies(), []);
          const lost = member.book.filter(
            ({ standing }) => standing === 'contradicted' || standing === 'beyond',
          );
          assert.deepEqual(lost, []);
        }
      }),
      { numRuns: 300 },
    );
  });

  test(`${String(size)} honest members, one with a long log, find every mark again after one commit`, () => {
    fc.assert(
      fc.property(acts(size), (steps) => {
        const cluster = new HonestCluster(size, true);
        for (const step of steps) cluster.play(step);
        cluster.settle();
        for (const member of cluster.members) {
          const missing = member.book.filter(({ standing }) => standing !== 'contained');
          assert.deepEqual(missing, [], nodeName(member.number));
          assert.ok(member.book.length <= 2 * size, `${String(member.book.length)} marks`);
        }
      }),
      { numRuns: 300 },
    );
  });
}

/** Three members in step at entry 46; then the files of the first two are cut after 24 and they elect a leader. */
function twoLiars(): { liars: readonly [PlayMember, PlayMember]; sound: PlayMember } {
  const [a, b, sound] = [new PlayMember(1), new PlayMember(2), new PlayMember(3)];
  a.append(46, 2, 0);
  a.commit = 46;
  b.follow(a);
  sound.follow(a);
  exchange([a, b, sound]);
  for (const liar of [a, b]) liar.cutAfter(24);
  a.append(1, 3, 1);
  a.commit = 25;
  b.follow(a);
  return { liars: [a, b], sound };
}

function writeAsLiars([leader, other]: readonly [PlayMember, PlayMember], count: number): void {
  leader.append(count, 3, 1);
  leader.commit = leader.past.length;
  other.follow(leader);
}

test('liars that overtake and then compact stay contradicted (commit 85 against 46)', () => {
  const { liars, sound } = twoLiars();
  const mark = sound.ownMark;
  assert.ok(mark?.index === 46);
  exchange([...liars, sound]);
  assert.equal(liars[0].standingOf(mark), 'beyond');
  writeAsLiars(liars, 60);
  exchange([...liars, sound]);
  assert.equal(liars[0].standingOf(mark), 'contradicted');
  writeAsLiars(liars, 3);
  for (const liar of liars) liar.compact();
  for (let round = 0; round < 3; round += 1) {
    exchange([...liars, sound]);
    for (const liar of liars) assert.equal(liar.standingOf(mark), 'contradicted');
    writeAsLiars(liars, 1);
  }
});

test('liars that compact before anybody looked do not get the mark back, not even when the sound one is overwritten', () => {
  const { liars, sound } = twoLiars();
  const mark = sound.ownMark;
  assert.ok(mark !== null);
  exchange([...liars, sound]);
  writeAsLiars(liars, 40);
  for (const liar of liars) liar.compact();
  exchange([...liars, sound]);
  for (const liar of liars) assert.equal(liar.standingOf(markOf(liar.number, positionOf(46, 2))), 'beyond');
  // The leader's snapshot replaces the file of the sound member: 22 entries are gone, and all looks green.
  writeAsLiars(liars, 5);
  liars[0].compact();
  sound.follow(liars[0]);
  for (let round = 0; round < 3; round += 1) {
    writeAsLiars(liars, 1);
    sound.follow(liars[0]);
    exchange([...liars, sound]);
    for (const member of [...liars, sound]) {
      assert.notEqual(member.standingOf(mark), 'contained');
      assert.deepEqual(member.lies(), []);
    }
  }
  const own = markOf(1, positionOf(46, 2));
  assert.equal(liars[0].standingOf(own), 'beyond', "the leader's own loss is never forgotten");
});

test('however liars write, compact, talk and overwrite, they never find the marks that they lost', () => {
  const step = fc.oneof(
    fc.record({ act: fc.constant('write' as const), count: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ act: fc.constantFrom('compact', 'look'), who: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ act: fc.constantFrom('exchange', 'overwrite', 'liars-talk') }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { liars, sound } = twoLiars();
      const members = [...liars, sound];
      let overwritten = false;
      for (const played of steps) {
        if (played.act === 'write') {
          writeAsLiars(liars, played.count);
          if (overwritten) sound.follow(liars[0]);
        } else if (played.act === 'exchange') exchange(members);
        else if (played.act === 'liars-talk') exchange(liars);
        else if (played.act === 'overwrite') {
          liars[0].compact();
          sound.follow(liars[0]);
          overwritten = true;
        } else if ('who' in played) {
          if (played.act === 'compact') members[played.who]?.compact();
          else members[played.who]?.look();
        }
      }
      exchange(members);
      for (const member of members) assert.deepEqual(member.lies(), [], nodeName(member.number));
      for (const liar of liars) {
        const lost = liar.book.filter(({ mark }) => mark.term === 2 && mark.index > 24);
        assert.equal(lost.length, members.length, 'a mark that is missing was dropped');
      }
    }),
    { numRuns: 500 },
  );
});
