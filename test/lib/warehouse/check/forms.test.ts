import { expect, it } from 'vitest';
import type { WarehouseType } from '../../../../src/lib/streams/stream';
import { formOfAnswer, formOfCell, minuteOfForm } from '../../../../src/lib/warehouse/check/forms';

const micros = (iso: string) => BigInt(Date.parse(iso)) * 1000n;
const minute = (iso: string) => Date.parse(iso) / 60_000;

/** A datetime of SQL Server as its client returns it: rounded to 1/300 s, and that to a millisecond. */
function asKept(millis: number): Date {
  const second = Math.floor(millis / 1000) * 1000;
  const ticks = Math.floor(((millis - second) * 3 + 5) / 10);
  return new Date(second + Math.round((ticks * 10) / 3));
}

it.each(['1753-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '1970-01-01T00:00:00Z', '2026-01-01T00:00:00Z'])(
  'a time of SQL Server has the same form before and after it was rounded: each millisecond of %s',
  (second) => {
    for (let millis = Date.parse(second); millis < Date.parse(second) + 1000; millis++) {
      const kept = formOfAnswer(asKept(millis), 'datetime', 'sql');
      expect([millis, formOfCell(millis * 1000, 'datetime', 'sql')]).toEqual([millis, kept]);
      // What is below a millisecond is cut off before.
      expect(formOfCell(millis * 1000 + 999, 'datetime', 'sql')).toBe(kept);
    }
  },
);

it.each([
  ['datetime', 'sql'],
  ['datetime', 'duckdb'],
  ['datetime2(6)', 'sql'],
  ['datetime2(6)', 'duckdb'],
] as const)('a %s of %s is in its minute, also before 1970', (type, kind) => {
  for (const iso of [
    '1753-01-01T00:00:00Z',
    '1969-12-31T23:59:00Z',
    '1970-01-01T00:00:00Z',
    '2026-11-27T09:30:00Z',
  ])
    for (const within of [0n, 20_000_000n, 59_990_000n]) {
      const form = formOfCell(micros(iso) + within, type, kind) ?? '';
      expect([iso, within, minuteOfForm(form, type, kind)]).toEqual([iso, within, minute(iso)]);
    }
});

it.each<[WarehouseType, unknown, string | null]>([
  ['int', 7, '7'],
  ['bigint', '-9223372036854775808', '-9223372036854775808'],
  ['float', -0, '0'],
  ['float', '1e+21', '1e+21'],
  ['bit', true, '1'],
  ['bit', 1, '1'],
  ['bit', '1', '1'],
  ['bit', false, '0'],
  ['bit', 0, '0'],
  ['varchar(10)', '12', '12'],
  ['varchar(10)', '012 a', '012 a'],
  ['nvarchar(10)', '', ''],
  ['nvarchar(10)', 'é 1', 'é 1'],
  ['date', '1969-12-31', '-1'],
  ['date', new Date('2026-01-01T00:00:00Z'), '20454'],
  ['datetime2(6)', '1969-12-31 23:59:59.9', '-100000'],
  ['datetime2(6)', '1970-01-01 00:00:00.000001', '1'],
  ['datetime2(6)', '1970-01-01 00:00:02', '2000000'],
  ['datetime2(6)', '1970-01-01 00:00:02.1234567', '2123456'],
  ['datetime2(6)', '42', '42'],
  ['datetime2(6)', '-42', '-42'],
  ['datetime2(6)', '7', '7'],
  [
    'datetime2(6)',
    Object.assign(new Date('1970-01-01T00:00:00.001Z'), { nanosecondsDelta: 0.000_123 }),
    '1123',
  ],
  ['int', null, null],
  ['nvarchar(10)', undefined, null],
])('a value of the type %s that a client returns as %o has the form %s', (type, value, form) => {
  expect(formOfAnswer(value, type, 'duckdb')).toBe(form);
});

it.each<[WarehouseType, Parameters<typeof formOfCell>[0], string | null]>([
  ['int', 7, '7'],
  ['bigint', -(2n ** 63n), '-9223372036854775808'],
  ['float', -0, '0'],
  ['float', 1e21, '1e+21'],
  ['bit', true, '1'],
  ['bit', false, '0'],
  ['varchar(10)', '12', '12'],
  ['nvarchar(10)', '', ''],
  ['date', -1, '-1'],
  ['datetime2(6)', 1123, '1123'],
  ['datetime', -1500, '-1500'],
  ['bit', null, null],
])('a value of the type %s that was fitted to its column as %o has the form %s', (type, cell, form) => {
  expect(formOfCell(cell, type, 'duckdb')).toBe(form);
});
