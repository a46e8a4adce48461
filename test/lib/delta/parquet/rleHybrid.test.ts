import fc from 'fast-check';
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js';
import { describe, expect, it } from 'vitest';
import { encodeLevelRun, encodeLevels } from '../../../../src/lib/delta/parquet/rleHybrid';

/** hyparquet's decoder, as the independent opinion. */
function decode(encoded: Buffer, bitWidth: number, count: number): number[] {
  expect(encoded.readUInt32LE(0)).toBe(encoded.length - 4);
  const output = new Array<number>(count).fill(-1);
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const reader = { view, offset: 4 };
  readRleBitPackedHybrid(reader, bitWidth, output, encoded.length - 4);
  return output;
}

const runs = (bitWidth: number) =>
  fc
    .array(fc.tuple(fc.nat(2 ** bitWidth - 1), fc.integer({ min: 1, max: 40 })), {
      minLength: 1,
      maxLength: 20,
    })
    .map((parts) => parts.flatMap(([level, count]) => new Array<number>(count).fill(level)));

describe('encodeLevels', () => {
  it.each([1, 2, 3])('round-trips mixed runs of levels of %i bits', (bitWidth) => {
    fc.assert(
      fc.property(runs(bitWidth), (levels) => {
        expect(decode(encodeLevels(Uint8Array.from(levels), bitWidth), bitWidth, levels.length)).toEqual(
          levels,
        );
      }),
      { numRuns: 300 },
    );
  });

  it('takes an eighth of a byte for each level that comes alone', () => {
    const levels = Uint8Array.from({ length: 8000 }, (_, at) => at % 2);
    expect(encodeLevels(levels, 1).length).toBeLessThan(1010);
  });

  it.each([
    [7, [2 * 1 + 1, 0b1111111]],
    [8, [2 * 8, 1]],
  ])('has %i equal levels as a run if they fill a group of eight', (count, expected) => {
    expect([...encodeLevels(new Uint8Array(count).fill(1), 1).subarray(4)]).toEqual(expected);
  });

  it('takes a few bytes for a long run', () => {
    const levels = new Uint8Array(1_000_000).fill(1);
    expect(encodeLevels(levels, 1).length).toBeLessThan(12);
    expect(encodeLevels(levels, 1)).toEqual(encodeLevelRun(1, levels.length, 1));
  });
});
