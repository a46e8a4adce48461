import { expect, it } from 'vitest';
import type { Checked, DifferentSlice } from '../../../../src/lib/warehouse/check/checkTable';
import { describeCheck } from '../../../../src/lib/warehouse/check/describeCheck';
import type { DifferentRow } from '../../../../src/lib/warehouse/check/differentRows';
import type { Slice } from '../../../../src/lib/warehouse/check/slices';

const name = 'shop.orders';
const found = (more: Partial<Checked>) =>
  describeCheck(
    { version: 7, rows: 1200, rejected: 3, different: [], unread: [], rejectedWanted: undefined, ...more },
    name,
  );
const verdict = `${name}: NOT equal to version 7 of the lake (1,200 rows, 3 rejected)`;
const minute = (iso: string) => Date.parse(iso) / 60_000;

const row = (more: Partial<DifferentRow> = {}): DifferentRow => ({
  what: 'missing',
  address: {
    hubCreatedAt: BigInt(Date.UTC(2026, 0, 1)) * 1000n,
    partition: 3,
    sequenceNumber: 2n ** 60n,
    element: 5,
  },
  day: '2026-01-02',
  columns: [],
  ...more,
});
const slice = (more: Partial<DifferentSlice> = {}): DifferentSlice => ({
  slice: { from: minute('2026-01-02T00:00Z'), to: minute('2026-01-03T00:00Z') },
  ...{ rows: 5, wanted: 5, columns: [] },
  ...more,
});

it('a table without a difference is equal, in one line', () => {
  expect(found({ rows: 1, rejected: 0 })).toEqual({
    isEqual: true,
    lines: [`${name}: equal to version 7 of the lake (1 row, 0 rejected)`],
  });
});

it('rows are named by their addresses, and a changed one with the columns that differ', () => {
  const place =
    'partition 3, sequence number 1152921504606846976, element 5 of the hub created 2026-01-01T00:00:00.000Z';
  expect(found({ different: [row(), row({ what: 'changed', columns: ['a', 'b'] })] })).toEqual({
    isEqual: false,
    lines: [`${name}: missing: ${place}`, `${name}: changed in a, b: ${place}`, verdict],
  });
});

it('rows without an address are counted by day and by what is wrong with them', () => {
  const nameless = { address: undefined };
  const different = [
    row(nameless),
    row({ ...nameless, what: 'doubled' }),
    row(nameless),
    row({ ...nameless, day: undefined }),
    row({ what: 'not in the lake', address: null }),
  ];
  expect(found({ different }).lines).toEqual([
    `${name}: 2026-01-02: missing 2 rows`,
    `${name}: 2026-01-02: doubled 1 row`,
    `${name}: without a time: missing 1 row`,
    `${name}: 2026-01-02: without an address, not in the lake 1 row`,
    verdict,
  ]);
});

it.each<[string, Partial<DifferentSlice>, string]>([
  ['other rows', {}, '2026-01-02T00:00Z to 2026-01-03T00:00Z: values of other rows'],
  [
    'another number of rows',
    { wanted: 6 },
    '2026-01-02T00:00Z to 2026-01-03T00:00Z: 5 rows where the lake has 6',
  ],
  [
    'other values and another number of rows',
    { rows: 1, wanted: 0, columns: ['a', 'b'] },
    '2026-01-02T00:00Z to 2026-01-03T00:00Z: 1 row where the lake has 0, other values in a, b',
  ],
  ['no time', { slice: 'none', columns: ['a'] }, 'without a time: other values in a'],
])('a stretch of the table whose rows were not compared one by one is told with %s', (_what, more, text) => {
  expect(found({ unread: [slice(more)] })).toEqual({ isEqual: false, lines: [`${name}: ${text}`, verdict] });
});

it.each<[Slice, string]>([
  [{ from: undefined, to: undefined }, 'all rows'],
  [{ from: undefined, to: minute('2026-01-02T10:05Z') }, 'before 2026-01-02T10:05Z'],
  [{ from: minute('2026-01-02T10:05Z'), to: undefined }, 'from 2026-01-02T10:05Z'],
  [{ from: 0, to: 1 }, '1970-01-01T00:00Z to 1970-01-01T00:01Z'],
])('the stretch %o is named %s', (one, text) => {
  expect(found({ unread: [slice({ slice: one })] }).lines[0]).toBe(`${name}: ${text}: values of other rows`);
});

it('rejected rows that are too few or too many are a difference of their own', () => {
  expect(found({ rejectedWanted: 0 })).toEqual({
    isEqual: false,
    lines: [`${name}: 3 rejected rows, where 0 rows of the lake do not fit`, verdict],
  });
});

it('twenty differences are told, and how many more there are', () => {
  const twenty = Array.from({ length: 20 }, () => row());
  expect(found({ different: twenty }).lines).toHaveLength(21);
  const { lines } = found({ different: twenty, unread: [slice(), slice()] });
  expect(lines).toHaveLength(22);
  expect(lines.slice(-2)).toEqual([`${name}: and 2 more`, verdict]);
});
