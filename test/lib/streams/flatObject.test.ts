import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flatObjectReader } from '../../../src/lib/streams/flatObject';
import { decodeJsonElements } from '../../../src/lib/streams/jsonElements';
import {
  integerField,
  isoTimestampField,
  type JsonField,
  longField,
  readFields,
  stringField,
} from '../../../src/lib/streams/jsonFields';

const fields: readonly JsonField[] = [
  { name: 'productid', from: 'productid', type: 'integer', nullable: false, read: integerField },
  { name: 'timestamp', from: 'timestamp', type: 'timestamp', nullable: true, read: isoTimestampField },
  { name: 'sessionid', from: 'sessionid', type: 'long', nullable: true, read: longField },
];

/** The row that the fast way reads, behind other numbers, which must stay as they are. */
function readFlat(body: Uint8Array): (number | null)[] | undefined {
  const numbers = new Float64Array(fields.length + 2).fill(7);
  const isRead = flatObjectReader(fields)?.(body, numbers, 1);
  expect([numbers[0], numbers.at(-1)]).toEqual([7, 7]);
  if (!isRead) return undefined;
  return Array.from(numbers.slice(1, -1), (value) => (Number.isNaN(value) ? null : value));
}

const readLong = (body: Uint8Array) => decodeJsonElements(body, readFields(fields));

const click = '{"productid":17,"timestamp":"2019-12-30T17:13:20.3295826+00:00","sessionid":123456789012345}';

/** A body that is read the short way must be read the long way to the same row. */
function agrees(text: string | Uint8Array): boolean {
  const body = Buffer.from(text);
  const row = readFlat(body);
  if (row) expect([row]).toEqual(readLong(body));
  return row !== undefined;
}

describe('a flat object', () => {
  it.each([
    click,
    '{"sessionid":-1,"productid":0}',
    '{"productid": -5, "timestamp": "2026-01-02 03:04:05"}',
    '{"productid":-0}',
    '{"productid":999999999}',
  ])('is read from its bytes: %s', (text) => {
    expect(agrees(text)).toBe(true);
  });

  it.each([
    '{"productid":017}',
    '{"productid":1.5}',
    '{"productid":1e3}',
    '{"productid":9999999999}',
    '{"productid":null}',
    '{"productid":"17"}',
    '{"productid":1,"productid":2}',
    '{"productid":1,"other":2}',
    '{"productid":1,}',
    '{"productid":1} ',
    '{"productid":1}x',
    '{"productid":1',
    '{"productid":-}',
    '{"sessionid":1}',
    '{"productid":1,"timestamp":"2026-02-30T00:00:00"}',
    '{"productid":1,"timestamp":"2026\\u002d01-02T03:04:05"}',
    '{"productid":1,"timestamp":"2026-01-02T03:04:05"',
    '{}',
    '[]',
    '',
  ])('is left to the long way: %s', (text) => {
    expect(agrees(text)).toBe(false);
  });

  it('is read the same by both readers, with any changes of its bytes', () => {
    const bytes = Buffer.from(click);
    const mutations = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), {
      maxLength: 3,
    });
    let short = 0;
    fc.assert(
      fc.property(mutations, fc.nat(bytes.length), (changes, length) => {
        const body = Buffer.from(bytes);
        for (const [at, byte] of changes) body[at] = byte;
        if (agrees(body)) short++;
        agrees(body.subarray(0, length));
      }),
      { numRuns: 20_000 },
    );
    expect(short).toBeGreaterThan(100);
  });

  it('has no fast reader if a field is neither a whole number nor a time', () => {
    const text: JsonField = { name: 'a', from: 'a', type: 'string', nullable: true, read: stringField };
    expect(flatObjectReader([...fields, text])).toBeUndefined();
  });

  it('is read the same by both if it lacks a field that objects inherit', () => {
    const named = (from: string): JsonField => ({
      name: from,
      from,
      type: 'long',
      nullable: true,
      read: longField,
    });
    const columns = ['constructor', 'valueOf'].map(named);
    const body = Buffer.from('{"valueOf":5}');
    const numbers = new Float64Array(2);
    expect(flatObjectReader(columns)?.(body, numbers, 0)).toBe(true);
    expect([...numbers]).toEqual([Number.NaN, 5]);
    expect(decodeJsonElements(body, readFields(columns))).toEqual([[null, 5]]);
    const rescuing = readFields(columns, { leaveOut: ['toString'] });
    expect(decodeJsonElements(Buffer.from('{"other":1}'), rescuing)).toEqual([[null, null, '{"other":1}']]);
  });

  it('has no fast reader if two columns are read from one field', () => {
    const again: JsonField = { ...fields[2], name: 'visitor', from: 'sessionid' } as JsonField;
    expect(flatObjectReader([...fields, again])).toBeUndefined();
  });

  it.each(['x"y', 'x\\ny'])('has names as JSON writes them: %s', (from) => {
    const column: JsonField = { name: 'a', from, type: 'integer', nullable: true, read: integerField };
    const numbers = new Float64Array(1);
    const read = (text: string) => flatObjectReader([column])?.(Buffer.from(text), numbers, 0);
    expect(read(`{"${from}":5}`)).toBe(false);
    expect(read(JSON.stringify({ [from]: 5 }))).toBe(true);
  });
});
