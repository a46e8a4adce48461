import { describe, expect, it } from 'vitest';
import { vectorFileName } from '../../../src/lib/maintenance/vectorFile';

const nameOf = (deletionVector: unknown) =>
  vectorFileName({ path: 'x.parquet', dataChange: true, deletionVector }, 'lake/events version 3');

describe('the file of a deletion vector', () => {
  it.each([
    undefined,
    null,
    'text',
    { storageType: 'i', pathOrInlineDv: 'wi5b=000010000siXQKl0rr91000f55c8Xg0' },
  ])('is none where there is no vector, or the log holds it: %j', (vector) => {
    expect(nameOf(vector)).toBeUndefined();
  });

  it.each([
    // The example of PROTOCOL.md, with and without a prefix.
    ['u', 'ab^-aqEH.-t@S}K{vb[*k^', 'deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin'],
    ['u', '^-aqEH.-t@S}K{vb[*k^', 'deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin'],
    ['p', 'abfss://lake@account/events/deletion%20vector.bin', 'deletion vector.bin'],
    ['p', 'abfss://lake@account/events/100%.bin', '100%.bin'],
  ])('has a name: %s %s', (storageType, pathOrInlineDv, name) => {
    expect(nameOf({ storageType, pathOrInlineDv })).toBe(name);
  });

  it.each([
    { storageType: 'u', pathOrInlineDv: '-aqEH.-t@S}K{vb[*k^' },
    { storageType: 'u', pathOrInlineDv: '^-aqEH.-t@S}K{vb[*k"' },
    { storageType: 'u', pathOrInlineDv: '#'.repeat(20) },
    { storageType: 'u' },
    { storageType: 'x', pathOrInlineDv: 'a' },
    { storageType: 'p', pathOrInlineDv: 'abfss://lake/' },
  ])('is not known: %j', (vector) => {
    expect(() => nameOf(vector)).toThrow(
      expect.objectContaining({
        code: 'delta.invalid',
        message:
          'lake/events version 3: it is not known where the deletion vector of the removed file x.parquet is.',
      }),
    );
  });
});
