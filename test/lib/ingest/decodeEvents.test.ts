import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextColumn } from '../../../src/lib/delta/textColumn';
import { bodyDecoder, decodeEvents, noRows } from '../../../src/lib/ingest/decodeEvents';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { Decoded, Stream } from '../../../src/lib/streams/stream';
import { anyOrder, orderStream } from '../streams/anyOrder';
import { rowsOf } from './decodedRows';

const event = (body: string | Uint8Array) => ({ body: Buffer.from(body), sequenceNumber: 1, enqueuedAt: 5 });

const careless = (decode: () => unknown): Stream => ({
  ...clickstream,
  readFlat: undefined,
  decode: decode as () => Decoded,
});

describe('decoding a batch', () => {
  it('keeps the fields that no column holds, of the rows alone', () => {
    const body = '[{"productid":1},{"productid":"x","a":1},{"productid":3,"store":"north"}]';
    const [decoded] = decodeEvents(clickstream, [event(body)]);
    expect(rowsOf(decoded ?? noRows)).toEqual([
      [1, null, null, null],
      [3, null, null, null, '{"store":"north"}'],
    ]);
  });

  it('keeps the position of each element, rows and rejected ones', () => {
    const [decoded] = decodeEvents(clickstream, [event('[{"productid":1},7,{"productid":3}]')]);
    expect(rowsOf(decoded ?? noRows).map((values, row) => [decoded?.positions?.[row], values[0]])).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(decoded?.rejected).toMatchObject([{ element: 1, reason: 'wrong-shape' }]);
  });

  it('says no positions where all elements are rows', () => {
    const [decoded] = decodeEvents(
      careless(() => [[1, null, null, null]]),
      [event('')],
    );
    expect(decoded).toMatchObject({ start: 0, end: 1, positions: undefined });
  });

  it('finds the same rows and letters as one body after the other, whichever way each is read', () => {
    const known = ['productid', 'timestamp', 'sessionid', 'category'];
    const value = fc.oneof(
      fc.constantFrom(
        '1',
        '-0',
        '17',
        '123456789012345',
        '9007199254740993',
        '99999999999999999999',
        '1.5',
        '1e3',
      ),
      fc.constantFrom(
        'null',
        '"2026-01-02T03:04:05.1234567Z"',
        '"1850-01-01T00:00:00Z"',
        '"9999-12-31T23:59:59Z"',
      ),
      fc.json(),
    );
    const name = fc.oneof(
      { arbitrary: fc.constantFrom(...known), weight: 9 },
      { arbitrary: fc.string(), weight: 1 },
    );
    const object = fc
      .array(fc.tuple(name, value), { maxLength: 6 })
      .map((members) => `{${members.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`);
    const usual = fc.tuple(fc.nat(), fc.nat()).map(([product, session]) => {
      const time = new Date(session % 4e12).toISOString();
      return `{"productid":${product % 1000},"timestamp":"${time}","sessionid":${session},"category":3}`;
    });
    const body = fc.oneof(
      usual,
      object,
      fc.array(object, { maxLength: 3 }).map((all) => `[${all.join(',')}]`),
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    const one = bodyDecoder(clickstream);
    let rows = 0;
    fc.assert(
      fc.property(fc.array(body, { maxLength: 30 }), (bodies) => {
        const decoded = decodeEvents(clickstream, bodies.map(event));
        for (const [index, text] of bodies.entries()) {
          const expected = one(Buffer.from(text));
          const found = decoded[index] ?? expect.fail('an event is missing');
          expect(rowsOf(found)).toEqual(expected.rows);
          expect([found.positions, found.rejected]).toEqual([expected.positions, expected.rejected]);
          rows += expected.rows.length;
        }
      }),
      { numRuns: 1000 },
    );
    expect(rows).toBeGreaterThan(1000);
  });

  it('finds the same texts, rows and letters as one body after the other, whichever way each is read', () => {
    const one = bodyDecoder(orderStream);
    const arrays = fc
      .array(anyOrder, { maxLength: 3 })
      .map((bodies) => Buffer.from(`[${bodies.map(String).join(',')}]`));
    const body = fc.oneof({ weight: 5, arbitrary: anyOrder }, { weight: 1, arbitrary: arrays });
    fc.assert(
      fc.property(fc.array(body, { minLength: 1, maxLength: 20 }), (bodies) => {
        const decoded = decodeEvents(orderStream, bodies.map(event));
        for (const [index, bytes] of bodies.entries()) {
          const expected = one(bytes);
          const found = decoded[index] ?? expect.fail('an event is missing');
          expect(rowsOf(found)).toEqual(expected.rows);
          expect([found.positions, found.rejected]).toEqual([expected.positions, expected.rejected]);
        }
        expect(decoded[0]?.columns[0]?.finish()).toBeInstanceOf(TextColumn);
      }),
      { numRuns: 500 },
    );
  });

  it('reads usual bodies in the fast way, and takes the slow one for the others alone', () => {
    const slow: string[] = [];
    const stream: Stream = {
      ...clickstream,
      decode: (body) => {
        slow.push(Buffer.from(body).toString());
        return clickstream.decode(body);
      },
    };
    const usual = (product: number) => `{"productid":${product},"sessionid":${product * 2},"category":3}`;
    const bodies = [usual(1), usual(2), `[${usual(3)}]`, usual(4), usual(5), usual(6)];
    const decoded = decodeEvents(stream, bodies.map(event));
    expect(decoded.flatMap(rowsOf)).toEqual([1, 2, 3, 4, 5, 6].map((n) => [n, null, n * 2, 3]));
    expect(slow).toEqual([bodies[2]]);
  });

  it('takes every value at the bounds of its type, and says what is beyond them', () => {
    const stream = {
      ...clickstream,
      columns: [
        { name: 'byte', type: 'byte', nullable: true },
        { name: 'instant', type: 'timestamp', nullable: false },
      ] as unknown as Stream['columns'],
    };
    const rows = [
      [-128, Number.MIN_SAFE_INTEGER],
      [127, Number.MAX_SAFE_INTEGER],
      [null, 0],
    ];
    const wrong = [
      [-129, 0],
      [128, 0],
      [0.5, 0],
      [0, null],
      [0, 2 ** 53],
      [0, 0, 0],
      [0, 0, '\ud800'],
      [0, 0, '{}', null],
    ];
    const decoder = {
      ...stream,
      readFlat: undefined,
      decode: () => [...rows, ...wrong] as unknown as Decoded,
    };
    const [decoded] = decodeEvents(decoder, [event('')]);
    expect(decoded?.columns.map((column) => column.finish().length)).toEqual([3, 3, 3]);
    expect(rowsOf(decoded ?? noRows)).toEqual(rows);
    expect(decoded?.positions).toEqual([0, 1, 2]);
    expect(decoded?.rejected.map(({ element, detail }) => [element, detail.split(':')[0]])).toEqual([
      [3, 'byte'],
      [4, 'byte'],
      [5, 'byte'],
      [6, 'instant'],
      [7, 'instant'],
      [8, '_rescued_data'],
      [9, '_rescued_data'],
      [10, '4 values for 2 columns'],
    ]);
  });

  it('cuts what a decoder throws', () => {
    const decode = () => {
      throw new Error('x'.repeat(1000));
    };
    const [decoded] = decodeEvents(careless(decode), [event('')]);
    expect(decoded?.rejected[0]?.detail).toHaveLength(300);
    expect(decoded?.rejected[0]?.detail).toMatch(/^the decoder of clickstream threw: Error: xxx/);
  });

  it('rejects nothing of an event whose elements are all rows', () => {
    const [decoded] = decodeEvents(clickstream, [event('[{"productid":1},{"productid":2}]')]);
    expect(rowsOf(decoded ?? noRows).map(([product]) => product)).toEqual([1, 2]);
    expect(decoded?.rejected).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('oops');
      },
    ],
    ['returns nothing', () => []],
    ['returns too few values', () => [[1]]],
  ])('makes a dead letter where a decoder %s', (_what, decode) => {
    const [decoded] = decodeEvents(careless(decode), [event('{}')]);
    expect(decoded).toMatchObject({ start: 0, end: 0, rejected: [{ element: 0, reason: 'decode-failed' }] });
  });

  it('makes one letter of an event with very many elements that are no rows', () => {
    const body = JSON.stringify([{ productid: 1 }, ...new Array(1001).fill(0)]);
    const [decoded] = decodeEvents(clickstream, [event(body)]);
    expect(decoded).toMatchObject({ start: 0, end: 0, rejected: [{ element: 0, reason: 'too-many' }] });
    expect(decoded?.rejected[0]?.detail).toMatch(
      /^1001 of 1002 elements are no rows, the first: wrong-shape: /,
    );
    const [fewer] = decodeEvents(clickstream, [event(JSON.stringify(new Array(1000).fill(0)))]);
    expect(fewer?.rejected).toHaveLength(1000);
  });

  it('finds a value that its column cannot hold', () => {
    const [decoded] = decodeEvents(
      careless(() => [
        [2 ** 31, null, null, null],
        [1.5, null, null, null],
        [1, 2, 3, 4],
      ]),
      [event('')],
    );
    expect(decoded?.rejected.map(({ reason, detail }) => [reason, detail.split(':')[0]])).toEqual([
      ['out-of-range', 'productid'],
      ['out-of-range', 'productid'],
    ]);
    expect(decoded).toMatchObject({ start: 0, end: 1 });
  });

  it('loses no element, for any bytes', () => {
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .array(fc.record({ productid: fc.oneof(fc.integer(), fc.double(), fc.constant(null)) }))
        .map((value) => Buffer.from(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(bodies, (body) => {
        const [decoded] = decodeEvents(clickstream, [event(body)]);
        const rows = rowsOf(decoded ?? noRows).map((_, row) => decoded?.positions?.[row] ?? row);
        const elements = [...rows, ...(decoded?.rejected ?? []).map(({ element }) => element)];
        expect(elements.length).toBeGreaterThan(0);
        expect(elements.sort((a, b) => a - b)).toEqual(elements.map((_, i) => i));
      }),
      { numRuns: 2000 },
    );
  });
});
