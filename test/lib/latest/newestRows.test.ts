import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NewestRows } from '../../../src/lib/latest/newestRows';
import { asMicros, asValue, compareValues, type LatestValue } from '../../../src/lib/latest/values';

type Row = readonly [key: number, time: number, value: LatestValue];

function rowsOf(given: readonly Row[], most: number): NewestRows {
  const rows = new NewestRows(most, 1);
  for (const [key, time, value] of given) rows.add(key, time, () => value);
  rows.cut();
  return rows;
}

const told = ({ keys, times, columns, isCut }: NewestRows) => ({
  isCut,
  rows: keys.map((key, index) => [key, times[index], columns[0]?.[index]]).sort(),
});

const row = fc.tuple(
  fc.integer({ min: 0, max: 12 }),
  fc.integer({ min: 0, max: 9 }),
  fc.constantFrom<LatestValue>(null, false, true, 1, 2, 'a', 'b'),
);

describe('newest rows with room for some keys', () => {
  it('are the same in any order, and however they are merged from parts', () => {
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 60 }),
        fc.integer({ min: 1, max: 14 }),
        fc.nat(60),
        (all, most, cut) => {
          const expected = told(rowsOf(all, most));
          expect(told(rowsOf([...all].reverse(), most))).toEqual(expected);
          const merged = rowsOf(all.slice(cut), most);
          merged.merge(rowsOf(all.slice(0, cut), most));
          expect(told(merged)).toEqual(expected);
          // The definition: of each key the greatest row, and of these rows the newest.
          const best = new Map<number, Row>();
          for (const each of all) {
            const known = best.get(each[0]);
            if (
              !known ||
              each[1] - known[1] > 0 ||
              (each[1] === known[1] && compareValues(each[2], known[2]) > 0)
            )
              best.set(each[0], each);
          }
          const newest = [...best.values()].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, most);
          expect(expected).toEqual({ isCut: best.size > most, rows: newest.map((each) => [...each]).sort() });
        },
      ),
    );
  });
});

it('values are those that JSON can hold, and other writers put in', () => {
  expect(
    [1n, 2n ** 60n, Number.NaN, Number.POSITIVE_INFINITY, 'a\ud800', true, null, undefined, [1]].map(asValue),
  ).toEqual([1, '1152921504606846976', null, null, 'a\ufffd', true, null, null, null]);
  expect([0, 5n, 9e18, null, 'now'].map(asMicros)).toEqual([0, 5, null, null, null]);
});
