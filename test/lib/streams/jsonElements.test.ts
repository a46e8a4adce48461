import { describe, expect, it } from 'vitest';
import { decodeJsonElements, type JsonObject } from '../../../src/lib/streams/jsonElements';
import type { Rejected, Row } from '../../../src/lib/streams/stream';

const readNumber = (element: JsonObject): Row | Rejected => {
  const { n } = element;
  if (typeof n === 'bigint' || Number.isSafeInteger(n)) return [n as bigint | number];
  return { reason: 'out-of-range', detail: `n is ${String(n)}` };
};

const decode = (body: string | Uint8Array) =>
  decodeJsonElements(typeof body === 'string' ? new TextEncoder().encode(body) : body, readNumber);

const reasons = (body: string | Uint8Array) =>
  decode(body).map((element) => ('reason' in element ? element.reason : 'row'));

describe('a body', () => {
  it('is one object, or an array of objects judged one by one', () => {
    expect(decode('{"n":1}')).toEqual([[1]]);
    expect(decode(' [{"n":1},{"n":2}]\n')).toEqual([[1], [2]]);
    expect(reasons('[{"n":1},7,{"n":3},null,[{"n":5}],{"n":0.5}]')).toEqual([
      'row',
      'wrong-shape',
      'row',
      'wrong-shape',
      'wrong-shape',
      'out-of-range',
    ]);
  });

  it('is read the same from a Buffer, a view into a larger one, and a plain array of bytes', () => {
    const bytes = Buffer.from('xx{"n":1}xx').subarray(2, 9);
    expect(decode(bytes)).toEqual([[1]]);
    expect(decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length))).toEqual([[1]]);
    expect(decode(new Uint8Array(bytes))).toEqual([[1]]);
  });

  it('may begin with a byte order mark', () => {
    expect(decode('\ufeff{"n":1}')).toEqual([[1]]);
  });

  it('may hold U+FFFD itself, which is not a decoding error', () => {
    expect(decode('{"n":1,"note":"\ufffd"}')).toEqual([[1]]);
  });

  it('is refused with the reason when nothing can be read from it', () => {
    expect(reasons(new Uint8Array())).toEqual(['empty-body']);
    expect(reasons('[]')).toEqual(['empty-array']);
    expect(reasons(' ')).toEqual(['not-json']);
    expect(reasons('{"n":1')).toEqual(['not-json']);
    expect(reasons('{"n":1}{"n":2}')).toEqual(['not-json']);
    expect(reasons("{'n':1}")).toEqual(['not-json']);
    expect(reasons('{"n":NaN}')).toEqual(['not-json']);
    for (const scalar of ['1', '"text"', 'true', 'null']) expect(reasons(scalar)).toEqual(['wrong-shape']);
  });

  it.each([
    ['a lone continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a cut sequence', [0xe2, 0x82]],
    ['a code point above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ])('is refused with %s', (_what, bad) => {
    const body = Buffer.concat([Buffer.from('{"n":1,"s":"'), Buffer.from(bad), Buffer.from('"}')]);
    expect(reasons(body)).toEqual(['not-utf8']);
  });

  it('may name __proto__ and changes no prototype by it', () => {
    expect(reasons('{"__proto__":{"n":1}}')).toEqual(['out-of-range']);
    expect(reasons('[{"__proto__":null,"n":1},{"constructor":{"prototype":{"n":1}}}]')).toEqual([
      'row',
      'out-of-range',
    ]);
    expect(({} as { n?: unknown }).n).toBeUndefined();
  });

  it('may be nested a hundred thousand levels deep', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(reasons(deep)).toEqual(['wrong-shape']);
    expect(reasons(`{"n":1,"extra":${deep}}`)).toEqual(['row']);
    expect(reasons(`{"n":9007199254740993,"extra":${deep}}`)).toEqual(['out-of-range']);
    expect(reasons('['.repeat(500_000))).toEqual(['not-json']);
  });

  it('keeps the digits of integers beyond 2^53', () => {
    expect(decode('{"n":9007199254740993}')).toEqual([[9007199254740993n]]);
    expect(decode('[{"n":1},{"n":-9223372036854775808}]')).toEqual([[1], [-9223372036854775808n]]);
  });

  it('leaves fractions and exponents beyond 2^53 to the reader as they are', () => {
    expect(reasons('{"n":1e400}')).toEqual(['out-of-range']);
    expect(reasons('{"n":9007199254740993.5}')).toEqual(['out-of-range']);
  });

  it('never repeats a large body in its detail', () => {
    const details = [
      `{"n":${'x'.repeat(1_000_000)}`,
      `"${'y'.repeat(1_000_000)}"`,
      `[${'9'.repeat(1_000_000)}]`,
    ]
      .flatMap(decode)
      .map((element) => ('detail' in element ? element.detail : ''));
    for (const detail of details) {
      expect(detail).not.toBe('');
      expect(detail.length).toBeLessThan(250);
      expect(detail.isWellFormed()).toBe(true);
    }
  });

  it('never cuts a surrogate pair in its detail', () => {
    const [element] = decode(`"${'x'.repeat(62)}😀😀"`);
    expect(element).toMatchObject({ reason: 'wrong-shape' });
    expect((element as Rejected).detail.isWellFormed()).toBe(true);
  });
});
