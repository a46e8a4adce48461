import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { decodeJsonElements } from '../../../src/lib/streams/jsonElements';
import { integerField, type JsonField, readFields, stringField } from '../../../src/lib/streams/jsonFields';
import { mostRescuedBytes, rescueFields } from '../../../src/lib/streams/rescuedFields';
import type { Stream } from '../../../src/lib/streams/stream';
import { type DuckDb, openDuckDb } from '../delta/parquet/duckdb';

const rescue = (object: string, ...known: string[]) => rescueFields(object, new Set(known));

/** The rescued fields of each element of a body; an element that is no row throws. */
const rescuedBy = (stream: Pick<Stream, 'columns' | 'decode'>, body: string) =>
  stream.decode(Buffer.from(body)).map((element) => {
    if ('reason' in element) throw new Error(element.detail);
    return element[stream.columns.length] ?? null;
  });

/** Two columns are read from `rank`, and `left` is left out. */
const fields: readonly JsonField[] = [
  { name: 'first_rank', from: 'rank', type: 'integer', nullable: true, read: integerField },
  { name: 'rank', from: 'rank', type: 'integer', nullable: true, read: integerField },
  { name: 'text', from: 'text', type: 'string', nullable: true, read: stringField },
];
const read = readFields(fields, { leaveOut: ['left'] });
const renamed = { columns: fields, decode: (body: Uint8Array) => decodeJsonElements(body, read) };

describe('fields that no column holds', () => {
  it('are kept as they were sent, to the last digit and blank', () => {
    const sent = '"n":12345678901234567890.10, "e" : 1E400,"deep":{ "a":[1, {"b":"]}\\"\\\\"}],"a":null}';
    expect(rescuedBy(clickstream, `{"productid":1,${sent} }`)).toEqual([
      '{"n":12345678901234567890.10,"e":1E400,"deep":{ "a":[1, {"b":"]}\\"\\\\"}],"a":null}}',
    ]);
    expect(rescuedBy(clickstream, ' {"note":"ü😀\\u00e9" , "productid":1}\n')).toEqual([
      '{"note":"ü😀\\u00e9"}',
    ]);
  });

  it('are null if there are none', () => {
    const click = '{"productid":1,"timestamp":"2026-01-01T00:00:00Z","sessionid":2,"category":3}';
    expect(rescuedBy(clickstream, click)).toEqual([null]);
    expect(rescuedBy(clickstream, `[${click},{"category":null,"productid":7}]`)).toEqual([null, null]);
  });

  it('belong to their element of an array, however the elements look', () => {
    const body =
      ' [ {"productid":1} ,{"productid":2,"a":"],["},{"b":{},"productid":3},\n{"productid":4,"c":[]}] ';
    expect(rescuedBy(clickstream, body)).toEqual([null, '{"a":"],["}', '{"b":{}}', '{"c":[]}']);
  });

  it('are also kept beside a number that is read a second time for its digits', () => {
    const body = '{"productid":1,"sessionid":9223372036854775807,"n":0.99999999999999999999}';
    const rescued = '{"n":0.99999999999999999999}';
    expect(clickstream.decode(Buffer.from(body))).toEqual([[1, null, 9223372036854775807n, null, rescued]]);
    expect(rescuedBy(clickstream, `[${body}]`)).toEqual([rescued]);
  });

  it('are told by their exact names', () => {
    expect(rescuedBy(clickstream, '{"productid":1,"ProductId":2,"product\\u0069d2":3}')).toEqual([
      '{"ProductId":2,"product\\u0069d2":3}',
    ]);
    expect(rescuedBy(clickstream, '{"\\u0070roductid":5,"x":1}')).toEqual(['{"x":1}']);
    expect(rescuedBy(renamed, '{"rank":1,"asset_rank":2}')).toEqual(['{"asset_rank":2}']);
  });

  it('are found if two columns are read from one field, and if a left out field is missing', () => {
    expect(rescuedBy(renamed, '{"rank":1,"x":2}')).toEqual(['{"x":2}']);
    expect(rescuedBy(renamed, '{"rank":1,"left":null,"x":2}')).toEqual(['{"x":2}']);
    expect(rescuedBy(renamed, '{"rank":1,"left":[3],"text":null}')).toEqual([null]);
  });

  it('have the last value of a name that was sent more than once', () => {
    expect(rescue('{"a":1,"b":2,"\\u0061":3,"k":4,"k":5}', 'k')).toBe('{"\\u0061":3,"b":2}');
  });

  it('may have hostile names', () => {
    const text = rescue('{"__proto__":{"polluted":1},"constructor":2,"":3,"\\u0000\\n":4,"toString":5}');
    expect(text).toBe('{"__proto__":{"polluted":1},"constructor":2,"":3,"\\u0000\\n":4,"toString":5}');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(rescuedBy(clickstream, '{"productid":1,"__proto__":{"sessionid":7}}')).toEqual([
      '{"__proto__":{"sessionid":7}}',
    ]);
  });

  it('have U+FFFD for half of a surrogate pair, and nothing else changes', () => {
    expect(rescue('{"a\\uD800":1,"b":["\\udc00x","\\ud83d\\ude00","\\\\ud800"],"c":"\\u00e9"}')).toBe(
      '{"a\ufffd":1,"b":["\ufffdx","\\ud83d\\ude00","\\\\ud800"],"c":"\\u00e9"}',
    );
    expect(rescue('{"a\\ud800":1,"a\\udfff":2}')).toBe('{"a\ufffd":2}');
  });

  it('stay text of a JSON object with the same values, whatever they are', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(fc.dictionary(text, fc.jsonValue()), fc.array(text), fc.nat(2), (object, names, indent) => {
        const known = new Set([...names, ...Object.keys(object).slice(0, 1)]);
        const others = Object.entries(object).filter(([name]) => !known.has(name));
        const rescued = rescueFields(JSON.stringify(object, null, indent), known);
        if (others.length === 0) expect(rescued).toBeUndefined();
        else
          expect(Object.entries(JSON.parse(String(rescued)))).toEqual(
            Object.entries(JSON.parse(JSON.stringify(Object.fromEntries(others)))),
          );
      }),
    );
  });
});

describe('more than the column takes', () => {
  const parse = (object: string): Record<string, unknown> => JSON.parse(rescue(object) ?? '');

  it('is kept as far as whole fields fit, in order, and says so', () => {
    const fields = Array.from({ length: 500 }, (_, n) => `"field${n}":"${'ü'.repeat(20)}"`);
    const text = rescue(`{"large":"${'x'.repeat(9000)}",${fields.join(',')}}`) ?? '';
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(mostRescuedBytes);
    expect(Buffer.byteLength(text)).toBeGreaterThan(mostRescuedBytes - 100);
    const names = Object.keys(JSON.parse(text));
    expect(names.slice(0, -1)).toEqual(names.slice(0, -1).map((_, n) => `field${n}`));
    expect(text.endsWith(',"_truncated":true}')).toBe(true);
  });

  it('begins with the first byte that does not fit', () => {
    const most = mostRescuedBytes - '{"a":"","_truncated":true}'.length;
    expect(parse(`{"a":"${'x'.repeat(most)}"}`)).toEqual({ a: 'x'.repeat(most) });
    expect(parse(`{"a":"${'x'.repeat(most + 1)}"}`)).toEqual({ _truncated: true });
    expect(parse(`{"a":"${'x'.repeat(most + 1)}","b":1}`)).toEqual({ b: 1, _truncated: true });
    expect(parse(`{"a":"${'ü'.repeat(most / 2 + 1)}","b":1}`)).toEqual({ b: 1, _truncated: true });
  });

  it('includes what is nested too deeply for T-SQL', () => {
    const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`;
    expect(rescue(`{"x":${nested(100)},"y":1}`)).toBe(`{"x":${nested(100)},"y":1}`);
    expect(rescue(`{"x":${nested(102)},"y":1}`)).toBe('{"y":1,"_truncated":true}');
    expect(rescue(`{"y":1,"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).toBe(
      '{"y":1,"_truncated":true}',
    );
  });
});

describe('DuckDB', () => {
  let duckdb: DuckDb;
  beforeAll(async () => {
    duckdb = await openDuckDb();
  });
  afterAll(() => duckdb.close());

  it.each([
    '{"a\\ud800":"\\udc00","campaign":"x"}',
    '{"\\u0000":"\\u0000","campaign":"x"}',
    '{"n":1e400,"m":-0.0000000000000000000000001,"campaign":"x"}',
    `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)},"campaign":"x"}`,
    '{"campaign":"y","campaign":"x"}',
    '{"__proto__":{"campaign":"y"},"campaign":"x"}',
  ])('reads the rescued fields of %.60s', async (object) => {
    const text = rescue(object)?.replaceAll("'", "''");
    expect(await duckdb.rows(`SELECT json_extract_string('${text}', '$.campaign')`)).toEqual([['x']]);
  });
});
