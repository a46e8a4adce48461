import { describe, expect, it } from 'vitest';
import { clickstream } from '../../../src/lib/streams/clickstream';

const decode = (body: unknown) =>
  clickstream.decode(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));

const click = {
  productid: 42,
  timestamp: '2019-12-30T17:13:20.3295826+00:00',
  sessionid: 775736524811377,
  category: 3,
};
const micros = Date.UTC(2019, 11, 30, 17, 13, 20, 329) * 1000 + 582;

describe('a click', () => {
  it('becomes a row in the order of the columns, with the time in microseconds, further digits cut', () => {
    expect(clickstream.columns.map((column) => `${column.name} ${column.type}`)).toEqual([
      'productid integer',
      'timestamp timestamp',
      'sessionid long',
      'category integer',
    ]);
    expect(decode(click)).toEqual([[42, micros, 775736524811377, 3]]);
  });

  it('may lack all but its product', () => {
    expect(clickstream.columns.filter((column) => !column.nullable).map((column) => column.name)).toEqual([
      'productid',
    ]);
    expect(decode({ productid: 1 })).toEqual([[1, null, null, null]]);
    expect(decode({ productid: 1, timestamp: null, sessionid: null, category: null })).toEqual([
      [1, null, null, null],
    ]);
  });

  it('may have unknown fields, which follow the values of the columns', () => {
    expect(decode({ ...click, store: 'north', nested: { deep: [1] } })).toEqual([
      [42, micros, 775736524811377, 3, '{"store":"north","nested":{"deep":[1]}}'],
    ]);
  });

  it('may be in an array, in which a bad click does not spoil the others', () => {
    expect(decode([click, { productid: 'x' }, { productid: 7 }])).toEqual([
      [42, micros, 775736524811377, 3],
      { reason: 'wrong-shape', detail: 'productid is not a number: the text "x"' },
      [7, null, null, null],
    ]);
  });

  it('keeps a session id beyond 2^53 to the last digit', () => {
    expect(decode('{"productid":1,"sessionid":9223372036854775807}')).toEqual([
      [1, null, 9223372036854775807n, null],
    ]);
  });

  it('holds zero as zero, also when it was written -0', () => {
    const [row] = decode('{"productid":-0,"sessionid":-0,"category":0.0}');
    expect(row).toStrictEqual([0, null, 0, 0]);
  });

  it('holds times beyond 2^53 microseconds as bigints', () => {
    expect(decode({ productid: 1, timestamp: '9999-12-31T23:59:59.999Z' })).toEqual([
      [1, BigInt(Date.UTC(9999, 11, 31, 23, 59, 59, 999)) * 1000n, null, null],
    ]);
  });

  it.each([
    [{ ...click, productid: undefined }, 'wrong-shape', 'productid is missing, and must not be'],
    [{ ...click, productid: null }, 'wrong-shape', 'productid is null'],
    [{ ...click, productid: '42' }, 'wrong-shape', 'productid is not a number: the text "42"'],
    [{ ...click, productid: true }, 'wrong-shape', 'productid is not a number: true'],
    [{ ...click, productid: {} }, 'wrong-shape', 'productid is not a number: an object'],
    [{ ...click, productid: 2147483648 }, 'out-of-range', 'productid is not a 32-bit integer: 2147483648'],
    [{ ...click, productid: 1.5 }, 'out-of-range', 'productid is not a 32-bit integer: 1.5'],
    [{ ...click, category: -2147483649 }, 'out-of-range', 'category is not a 32-bit integer: -2147483649'],
    [{ ...click, sessionid: 0.5 }, 'out-of-range', 'sessionid is not a 64-bit integer: 0.5'],
    [{ ...click, sessionid: '1' }, 'wrong-shape', 'sessionid is not a number: the text "1"'],
    [
      { ...click, timestamp: 1577726000329 },
      'wrong-shape',
      'timestamp is not an ISO 8601 date and time: 1577726000329',
    ],
    [
      { ...click, timestamp: 'soon' },
      'wrong-shape',
      'timestamp is not an ISO 8601 date and time: the text "soon"',
    ],
    [
      { ...click, timestamp: '2026-02-30T00:00:00Z' },
      'out-of-range',
      'timestamp is not a time that exists: the text "2026-02-30T00:00:00Z"',
    ],
    [
      { ...click, timestamp: '0001-01-01T00:00:00' },
      'out-of-range',
      'timestamp is not a time from 1900 to 9999: the text "0001-01-01T00:00:00"',
    ],
    [
      { ...click, timestamp: '1900-01-01T00:00:00+00:01' },
      'out-of-range',
      'timestamp is not a time from 1900 to 9999: the text "1900-01-01T00:00:00+00:01"',
    ],
    [
      { ...click, timestamp: '9999-12-31T23:59:59-00:01' },
      'out-of-range',
      'timestamp is not a time from 1900 to 9999: the text "9999-12-31T23:59:59-00:01"',
    ],
  ])('is refused when it is %j', (body, reason, detail) => {
    expect(decode(body)).toEqual([{ reason, detail }]);
  });

  it.each(['9223372036854775808', '1e19', '99999999999999999999999'])(
    'is refused when its session id is %s, which no 64-bit integer can be',
    (digits) => {
      expect(decode(`{"productid":1,"sessionid":${digits}}`)).toMatchObject([
        { reason: 'out-of-range', detail: expect.stringContaining('sessionid is not a 64-bit integer') },
      ]);
    },
  );

  it('is refused with at most 64 characters of the wrong value', () => {
    const [element] = decode({ ...click, timestamp: 'z'.repeat(1_000_000) });
    expect(element).toEqual({
      reason: 'wrong-shape',
      detail: `timestamp is not an ISO 8601 date and time: the text "${'z'.repeat(63)}…"`,
    });
  });
});
