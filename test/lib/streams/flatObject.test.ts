import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flatObjectReader, spanEnd, spanStart } from '../../../src/lib/streams/flatObject';
import { decodeJsonElements } from '../../../src/lib/streams/jsonElements';
import {
  integerField,
  isoTimestampField,
  type JsonField,
  longField,
  longTextField,
  readFields,
} from '../../../src/lib/streams/jsonFields';
import { anyOrder, orderFields } from './anyOrder';

const fields: readonly JsonField[] = [
  { name: 'productid', from: 'productid', type: 'integer', nullable: false, read: integerField },
  { name: 'timestamp', from: 'timestamp', type: 'timestamp', nullable: true, read: isoTimestampField },
  { name: 'sessionid', from: 'sessionid', type: 'long', nullable: true, read: longField },
];

/** The row that the fast way reads, behind other numbers, which must stay as they are. */
function readFlat(body: Uint8Array, of = fields): (number | string | null)[] | undefined {
  const numbers = new Float64Array(of.length + 2).fill(7);
  const isRead = flatObjectReader(of)?.(body, numbers, 1);
  expect([numbers[0], numbers.at(-1)]).toEqual([7, 7]);
  if (!isRead) return undefined;
  return of.map(({ type }, column) => {
    const number = numbers[1 + column] as number;
    if (Number.isNaN(number)) return null;
    return type === 'string'
      ? Buffer.from(body).toString('utf8', spanStart(number), spanEnd(number))
      : number;
  });
}

const readLong = (body: Uint8Array, of = fields) => decodeJsonElements(body, readFields(of));

const click = '{"productid":17,"timestamp":"2019-12-30T17:13:20.3295826+00:00","sessionid":123456789012345}';

/** A body that is read the short way must be read the long way to the same row. */
function agrees(text: string | Uint8Array, of = fields): boolean {
  const body = Buffer.from(text);
  const row = readFlat(body, of);
  if (row) expect([row]).toEqual(readLong(body, of));
  return row !== undefined;
}

describe('a flat object', () => {
  it.each([
    click,
    '{"sessionid":-1,"productid":0}',
    '{"productid": -5, "timestamp": "2026-01-02 03:04:05"}',
    '{"productid":-0}',
    '{"productid":999999999}',
    '{"productid":1,"timestamp":null,"sessionid": null}',
    '{"sessionid":null,"productid":1,"sessionid":2}',
  ])('is read from its bytes: %s', (text) => {
    expect(agrees(text)).toBe(true);
  });

  it.each([
    '{"productid":017}',
    '{"productid":1.5}',
    '{"productid":1e3}',
    '{"productid":9999999999}',
    '{"productid":null}',
    '{"productid":1,"sessionid":nul}',
    '{"productid":1,"sessionid":2,"sessionid":null}',
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

  it('has no fast reader if a field is read in another way than its type usually is', () => {
    const other = { name: 'a', from: 'a', nullable: true };
    expect(flatObjectReader([...fields, { ...other, type: 'long', read: longTextField }])).toBeUndefined();
    expect(flatObjectReader([...fields, { ...other, type: 'short', read: integerField }])).toBeUndefined();
    expect(flatObjectReader([...fields, { ...other, type: 'date', read: () => 7 }])).toBeUndefined();
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

describe('a flat object with texts', () => {
  const order =
    '{"orderid":"A-17","productid":12,"straße":"Köln 😀","amount":19.9,"at":"2026-01-02T03:04:05Z"}';

  it.each([
    order,
    '{"orderid":""}',
    '{"orderid":"a","straße":null}',
    '{"orderid":"a/b","amount":-0}',
    '{"orderid":"\u007f\u0080\u07ff\u0800\ufeff\uffff\u{10000}\u{10ffff}","amount":-0.0}',
    '{"orderid":"{}[],:","amount":123456789012345}',
    '{"orderid":"a","amount":0.1}',
    '{"orderid":"a","amount":0.00000000000001}',
    '{"orderid":"a","amount":-12345678.9012345}',
  ])('is read from its bytes: %s', (text) => {
    expect(agrees(text, orderFields)).toBe(true);
  });

  it.each([
    ['an escape', '{"orderid":"a\\nb"}'],
    ['half of a surrogate pair', '{"orderid":"\\ud800"}'],
    ['a control character', '{"orderid":"a\tb"}'],
    ['a text without an end', '{"orderid":"a'],
    ['a number in the place of a text', '{"orderid":17}'],
    ['a text in the place of a number', '{"orderid":"a","amount":"19.9"}'],
    ['an exponent', '{"orderid":"a","amount":1e3}'],
    ['more digits than are exact', '{"orderid":"a","amount":0.1234567890123456}'],
    ['no digit after the point', '{"orderid":"a","amount":1.}'],
    ['no digit before the point', '{"orderid":"a","amount":.5}'],
    ['a zero in front', '{"orderid":"a","amount":00.5}'],
    ['no text that must be there', '{"straße":"Köln"}'],
    ['null where it must not be', '{"orderid":null}'],
    ['a field twice', '{"orderid":"a","orderid":"b"}'],
    ['an unknown field', '{"orderid":"a","other":"b"}'],
  ])('is left to the long way with %s', (_, text) => {
    expect(agrees(text, orderFields)).toBe(false);
  });

  it.each([
    ['a byte that begins nothing', [0xff]],
    ['a character that is cut', [0xe2, 0x82]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['more bytes than are needed', [0xc0, 0xaf]],
    ['a code point beyond the last', [0xf4, 0x90, 0x80, 0x80]],
  ])('is left to the long way if it is not UTF-8: %s', (_, bytes) => {
    const body = Buffer.concat([Buffer.from('{"orderid":"a'), Buffer.from(bytes), Buffer.from('"}')]);
    expect(agrees(body, orderFields)).toBe(false);
    expect(readLong(body, orderFields)).toMatchObject([{ reason: 'not-utf8' }]);
  });

  it('is read the same by both readers, whatever its fields, their values and its bytes', () => {
    let short = 0;
    fc.assert(
      fc.property(anyOrder, (body) => {
        if (agrees(body, orderFields)) short++;
      }),
      { numRuns: 10_000 },
    );
    expect(short).toBeGreaterThan(1000);
  });
});
