import { describe, expect, it } from 'vitest';
import { compareKeys, type Key } from '../../../src/lib/counts/keys';
import { type Room, Tally } from '../../../src/lib/counts/tally';
import { dayMs, minuteMs } from '../../../src/lib/duration';
import { plainTally } from './plainTally';

const now = Date.UTC(2026, 0, 1, 12);

/** A tally of rows: key, attribute, and how long ago they were enqueued. */
function tallyOf(rows: readonly (readonly [Key, Key | null, number])[], room?: Room): Tally {
  const tally = new Tally(now, room);
  for (const [key, attribute, ago] of rows) tally.add(key, attribute, now - ago);
  return tally;
}

describe('a tally', () => {
  it('counts rows by key, by minute, by hour, by day and in total', () => {
    const tally = tallyOf([
      [7, null, 0],
      ['a', null, 0],
      [7, null, 60 * minuteMs],
    ]);
    expect([tally.total, tally.countOf(7), tally.countOf('a'), tally.countOf(8)]).toEqual([3, 2, 1, 0]);
    expect([tally.indexOf(7), tally.indexOf('a'), tally.indexOf(8)]).toEqual([0, 1, undefined]);
    const [m, h] = [now / minuteMs, now / (60 * minuteMs)];
    expect(plainTally(tally)).toMatchObject({
      minutes: [
        [m, [0, 1], [1, 1]],
        [m - 60, [0], [1]],
      ],
      hours: [
        [h, [0, 1], [1, 1]],
        [h - 1, [0], [1]],
      ],
      days: [[now / (24 * 60 * minuteMs) - 0.5, [0, 1], [2, 1]]],
      totals: [
        [m - 60, 1],
        [m, 2],
      ],
    });
  });

  it('counts a row without a time, but in no minute', () => {
    const tally = new Tally(now);
    expect(tally.add(7, 'x', Number.NaN)).toBe(true);
    expect(plainTally(tally)).toMatchObject({
      counts: [1],
      latest: [0],
      minutes: [],
      hours: [],
      days: [],
      totals: [],
    });
    expect(tally.total).toBe(1);
  });

  it('keeps the attribute that was enqueued last, in any order of the rows', () => {
    const rows = [
      [1, 'old', 2],
      [1, null, 0],
      [1, 'new', 1],
      [1, 'equally new', 1],
    ] as const;
    for (const some of [rows, rows.toReversed()]) {
      const { attributes, latest } = plainTally(tallyOf(some));
      expect([attributes, latest]).toEqual([['new'], [now - 1]]);
    }
    expect(plainTally(tallyOf([[1, null, 5]]))).toMatchObject({ attributes: [null], latest: [0] });
  });

  it('ranks its keys by count, then numbers by value before texts, after new rows too', () => {
    const tally = tallyOf([
      ['b', null, 0],
      [10, null, 0],
      [9, null, 0],
      ['a', null, 0],
    ]);
    const ranking = () => tally.ranked().map((index) => tally.keys[index]);
    expect(ranking()).toEqual([9, 10, 'a', 'b']);
    tally.add('b', null, now);
    expect(ranking()).toEqual(['b', 9, 10, 'a']);
    tally.merge(
      tallyOf([
        ['c', null, 0],
        ['c', null, 0],
        ['c', null, 0],
      ]).parts(),
    );
    expect(ranking()).toEqual(['c', 'b', 9, 10, 'a']);
  });

  it('orders keys the same way from both sides', () => {
    expect([compareKeys(1, 2), compareKeys(2, 1), compareKeys('a', 'b'), compareKeys('b', 'a')]).toEqual([
      -1, 1, -1, 1,
    ]);
    expect([compareKeys(1, '1'), compareKeys('1', 1), compareKeys('a', 'a'), compareKeys(3, 3)]).toEqual([
      -1, 1, 0, 0,
    ]);
  });

  it('adds another tally with its keys, counts, attributes and minutes', () => {
    const rows = [
      [1, 'x', 0],
      [2, null, 3 * minuteMs],
      [1, 'y', 70 * minuteMs],
      [3, 'z', minuteMs],
    ] as const;
    const tally = tallyOf(rows.slice(0, 2));
    tally.merge(tallyOf(rows.slice(2)).parts());
    const whole = tallyOf(rows);
    expect(plainTally(tally)).toEqual(plainTally(whole));
    expect(tally.total).toBe(4);
  });

  it('takes all of another tally over while it has none, and leaves the other as it is', () => {
    const other = tallyOf([
      [7, 'x', 0],
      ['a', null, 0],
      [7, null, minuteMs],
    ]);
    const before = structuredClone(plainTally(other));
    const tally = tallyOf([]);
    tally.merge(other.parts());
    expect(plainTally(tally)).toEqual(before);
    expect([tally.total, tally.indexOf('a'), tally.countOf(7)]).toEqual([3, 1, 2]);
    for (const key of [7, 8]) tally.add(key, 'y', now + 1);
    expect(plainTally(other)).toEqual(before);
    expect(() => tallyOf([], { maxKeys: 1 }).merge(other.parts())).toThrow('no room for one more key');
  });

  it('drops buckets that are too old, and keeps the counts', () => {
    const tally = tallyOf([[1, null, 0]]);
    tally.advance(now + 121 * minuteMs);
    expect(plainTally(tally)).toMatchObject({
      counts: [1],
      minutes: [],
      hours: [[now / 3_600_000, [0], [1]]],
    });
    tally.advance(now + 8 * dayMs + 60 * minuteMs);
    const rest = { days: [[Math.floor(now / dayMs), [0], [1]]], totals: [[now / minuteMs, 1]] };
    expect(plainTally(tally)).toMatchObject({ hours: [], ...rest });
    tally.advance(Math.floor(now / dayMs) * dayMs + 32 * dayMs);
    expect(plainTally(tally)).toMatchObject({ days: [], totals: [[now / minuteMs, 1]] });
    tally.advance(now + 32 * dayMs + minuteMs);
    expect(plainTally(tally)).toMatchObject({ counts: [1], totals: [] });
  });
});

describe('more keys than a tally may have', () => {
  it('are refused, while rows of known keys are counted', () => {
    const tally = tallyOf(
      [
        [1, null, 0],
        [2, null, 0],
      ],
      { maxKeys: 2 },
    );
    expect(tally.add(3, null, now)).toBe(false);
    expect(tally.add(2, null, now)).toBe(true);
    expect([tally.total, tally.counts]).toEqual([3, [1, 2]]);
    expect([tally.hasRoomFor({ keys: [2, 1] }), tally.hasRoomFor({ keys: [2, 3] })]).toEqual([true, false]);
  });
});

describe('a tally that keeps some keys', () => {
  const rows = [
    [1, 'x', 0],
    [2, 'x', 0],
    [3, 'y', 3 * minuteMs],
    ['a', null, 70 * minuteMs],
    [3, null, Number.NaN],
    [1, null, minuteMs],
  ] as const;
  const room = { kept: new Set([1, 9]) };

  it('counts all others together, in total, by minute and by hour', () => {
    const tally = tallyOf(rows, room);
    expect([tally.total, tally.keys, tally.counts]).toEqual([6, [1], [2]]);
    const [m, h] = [now / minuteMs, now / (60 * minuteMs)];
    expect(plainTally(tally).folded).toMatchObject({
      minutes: [
        [m, 1],
        [m - 3, 1],
        [m - 70, 1],
      ],
      hours: [
        [h, 1],
        [h - 1, 1],
        [h - 2, 1],
      ],
      days: [[now / (24 * 60 * minuteMs) - 0.5, 3]],
    });
    expect(plainTally(tally).totals.reduce((sum, [, count]) => sum + count, 0)).toBe(5);
  });

  it('counts a folded row without a time too, but in no minute, and has room for it', () => {
    const tally = new Tally(now, room);
    expect([tally.add(5, 'x', Number.NaN), tally.add(1, 'x', Number.NaN)]).toEqual([true, true]);
    expect([tally.total, tally.folded?.total, tally.countOf(1)]).toEqual([2, 1, 1]);
    expect(plainTally(tally)).toMatchObject({
      minutes: [],
      hours: [],
      days: [],
      totals: [],
      folded: { minutes: [], hours: [], days: [] },
    });
  });

  it('comes to the same from one tally with all keys, and from parts of either kind', () => {
    const whole = plainTally(tallyOf(rows, room));
    const from = (...parts: Tally[]) => {
      const tally = new Tally(now, room);
      for (const part of parts) tally.merge(part.parts());
      return tally;
    };
    const [first, second] = [rows.slice(0, 3), rows.slice(3)];
    for (const tally of [
      from(tallyOf(rows)),
      from(tallyOf(first), tallyOf(second)),
      from(tallyOf(first, room), tallyOf(second)),
      from(tallyOf(first, room), tallyOf(second, room)),
    ]) {
      expect(tally.total).toBe(6);
      expect(plainTally(tally).counts).toEqual(whole.counts);
      expect(sorted(plainTally(tally).folded?.shared)).toEqual(sorted(whole.folded?.shared));
      expect(Object.fromEntries(bucketsOf(tally.folded))).toEqual(
        Object.fromEntries(bucketsOf(tallyOf(rows, room).folded)),
      );
    }
  });

  it('never has a folded key with more rows than its bound, nor than the bound on all', () => {
    const rows = Array.from({ length: 20_000 }, (_, row) => [(row * row) % 3001, null, 0] as const);
    const exact = tallyOf(rows);
    const { folded } = tallyOf(rows, { kept: new Set([0, 1, 4]) });
    let most = 0;
    for (const key of exact.keys) {
      if ([0, 1, 4].includes(Number(key))) continue;
      most = Math.max(most, exact.countOf(key));
      expect(folded?.mostOf(key)).toBeGreaterThanOrEqual(exact.countOf(key));
    }
    expect(folded?.most).toBeGreaterThanOrEqual(most);
    expect(folded?.most).toBeLessThan(4 * most);
    expect(folded?.total).toBe(20_000 - exact.countOf(0) - exact.countOf(1) - exact.countOf(4));
  });

  it('knows that no folded row is of a key that it keeps, even if the key shares a counter', () => {
    // Of so many folded keys, some share the counter of the kept key 9, which has no rows.
    const tally = new Tally(now, room);
    for (let key = 10; key < 2_000_000 && tally.folded?.mostOf(9) === 0; key++) tally.add(key, null, now);
    expect(tally.folded?.mostOf(9)).toBe(1);
    expect([tally.mostFoldedOf(9), tally.mostFoldedOf(10)]).toEqual([0, expect.any(Number)]);
    expect(tally.mostFoldedOf(10)).toBeGreaterThan(0);
  });

  it('drops its old buckets like the others', () => {
    const tally = tallyOf([[5, null, 0]], room);
    tally.advance(now + 9 * 24 * 60 * minuteMs);
    expect(plainTally(tally).folded).toMatchObject({ minutes: [], hours: [] });
    expect(tally.folded?.total).toBe(1);
  });
});

const sorted = (shared: readonly (readonly number[])[] | undefined) =>
  shared?.[0]?.map((index, at) => [index, shared[1]?.[at]]).sort(([a = 0], [b = 0]) => a - b);

const bucketsOf = (folded: Tally['folded']) =>
  folded
    ? [...folded.times.minutes.parts(), ...folded.times.hours.parts(), ...folded.times.days.parts()]
    : [];
