import { describe, expect, it } from 'vitest';
import { compareKeys, type Key } from '../../../src/lib/counts/keys';
import { Tally } from '../../../src/lib/counts/tally';

const minute = 60_000;
const now = Date.UTC(2026, 0, 1, 12);

/** A tally of rows: key, attribute, and how long ago they were enqueued. */
function tallyOf(rows: readonly (readonly [Key, Key | null, number])[], maxKeys?: number): Tally {
  const tally = new Tally(now, maxKeys);
  for (const [key, attribute, ago] of rows) tally.add(key, attribute, now - ago);
  return tally;
}

describe('a tally', () => {
  it('counts rows by key, by minute, by hour and in total', () => {
    const tally = tallyOf([
      [7, null, 0],
      ['a', null, 0],
      [7, null, 60 * minute],
    ]);
    expect([tally.total, tally.countOf(7), tally.countOf('a'), tally.countOf(8)]).toEqual([3, 2, 1, 0]);
    expect([tally.indexOf(7), tally.indexOf('a'), tally.indexOf(8)]).toEqual([0, 1, undefined]);
    const [m, h] = [now / minute, now / (60 * minute)];
    expect(tally.stored()).toMatchObject({
      minutes: [
        [m, [0, 1], [1, 1]],
        [m - 60, [0], [1]],
      ],
      hours: [
        [h, [0, 1], [1, 1]],
        [h - 1, [0], [1]],
      ],
      totals: [
        [m, [0], [2]],
        [m - 60, [0], [1]],
      ],
    });
  });

  it('counts a row without a time, but in no minute', () => {
    const tally = tallyOf([[7, 'x', Number.NaN]]);
    expect(tally.stored()).toMatchObject({ counts: [1], latest: [0], minutes: [], hours: [], totals: [] });
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
      const { attributes, latest } = tallyOf(some).stored();
      expect([attributes, latest]).toEqual([['new'], [now - 1]]);
    }
    expect(tallyOf([[1, null, 5]]).stored()).toMatchObject({ attributes: [null], latest: [0] });
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
      ]).stored(),
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
      [2, null, 3 * minute],
      [1, 'y', 70 * minute],
      [3, 'z', minute],
    ] as const;
    const tally = tallyOf(rows.slice(0, 2));
    tally.merge(tallyOf(rows.slice(2)).stored());
    const whole = tallyOf(rows);
    expect(tally.stored()).toEqual(whole.stored());
    expect(tally.total).toBe(4);
  });

  it('drops buckets that are too old, and keeps the counts', () => {
    const tally = tallyOf([[1, null, 0]]);
    tally.advance(now + 121 * minute);
    expect(tally.stored()).toMatchObject({ counts: [1], minutes: [], hours: [[now / 3_600_000, [0], [1]]] });
    tally.advance(now + 49 * 60 * minute);
    expect(tally.stored()).toMatchObject({ hours: [], totals: [[now / minute, [0], [1]]] });
    tally.advance(now + (8 * 24 * 60 + 1) * minute);
    expect(tally.stored()).toMatchObject({ counts: [1], totals: [] });
  });
});

describe('more keys than a tally may have', () => {
  const tooMany = expect.objectContaining({
    code: 'counts.keys',
    message: expect.stringContaining('more than 2 distinct keys'),
  });

  it('are refused at the first one, while rows of known keys are counted', () => {
    const tally = tallyOf(
      [
        [1, null, 0],
        [2, null, 0],
      ],
      2,
    );
    expect(() => tally.add(3, null, now)).toThrow(tooMany);
    tally.add(2, null, now);
    expect(tally.counts).toEqual([1, 2]);
  });

  it('are refused in another tally before anything is added', () => {
    const tally = tallyOf([[1, null, 0]], 2);
    const before = structuredClone(tally.stored());
    expect(() =>
      tally.merge(
        tallyOf([
          [2, null, 0],
          [3, null, 0],
        ]).stored(),
      ),
    ).toThrow(tooMany);
    expect(tally.stored()).toEqual(before);
    tally.merge(
      tallyOf([
        [1, null, 0],
        [2, null, 0],
      ]).stored(),
    );
    expect(tally.counts).toEqual([2, 1]);
  });
});
