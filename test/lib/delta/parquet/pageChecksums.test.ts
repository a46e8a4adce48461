import { isDeepStrictEqual } from 'node:util';
import { crc32 } from 'node:zlib';
import type { RowGroup } from 'hyparquet';
import { PageHeader } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import { describe, expect, it } from 'vitest';
import { encodeParquet } from '../../../../src/lib/delta/parquet/encode';
import { checkPages } from '../../../../src/lib/delta/parquet/pageChecksums';
import { readParquet } from '../../../../src/lib/delta/parquet/read';
import { serializeThrift } from '../../../../src/lib/delta/parquet/thriftWriter';
import { field } from '../../../../src/lib/delta/schema';
import { seededRandom } from '../../../../src/lib/sources/seededRandom';
import { sourceOf } from './byteSource';

const rows = 400;
const random = seededRandom(20261127);
const fields = [
  field('product', 'integer', false),
  field('at', 'timestamp'),
  field('session', 'long'),
  field('price', 'double'),
  field('name', 'string'),
];
const columns = [
  Array.from({ length: rows }, (_, row) => (row * 7919) % 670),
  Array.from({ length: rows }, (_, row) => (row % 50 === 7 ? null : 1_780_000_000_000_000 + row * 1000)),
  Array.from({ length: rows }, (_, row) => 775_736_524_800_000 + ((row * 104_729) % 9973)),
  Array.from({ length: rows }, (_, row) => row / 7),
  Array.from({ length: rows }, (_, row) => `name ${row % 97}`),
];
const file = encodeParquet({ fields, columns });
const footer = file.bytes.length - 8 - file.bytes.readUInt32LE(file.bytes.length - 8);

const read = async (bytes: Buffer) => {
  const found = await readParquet({ source: sourceOf(bytes), fields, where: 'lake/clicks/part-0.parquet' });
  return fields.map(({ name }) => found.columns.get(name));
};

/** The file with one bit changed. */
function flip(bit: number): Buffer {
  const bytes = Buffer.from(file.bytes);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return bytes;
}

/** What comes of a flipped bit. */
async function outcomeOf(bit: number): Promise<'refused' | 'same' | 'changed'> {
  try {
    const found = await read(flip(bit));
    return isDeepStrictEqual(found, columns) ? 'same' : 'changed';
  } catch (error) {
    expect(error).toMatchObject({ code: 'parquet.invalid' });
    return 'refused';
  }
}

async function outcomes(from: number, to: number, count: number) {
  const counts = { refused: 0, same: 0, changed: 0 };
  for (let n = 0; n < count; n++)
    counts[await outcomeOf(from * 8 + Math.floor(random() * (to - from) * 8))]++;
  return counts;
}

describe('a bit that flips in a file of ours', () => {
  it('changes no value unseen in pages and their headers', async () => {
    expect(await read(file.bytes)).toEqual(columns);
    const { refused, changed } = await outcomes(0, footer, 600);
    expect(changed).toBe(0);
    expect(refused).toBeGreaterThan(590);
  });

  it('is refused with column and page in the bytes of a page', async () => {
    const middle = footer / 2;
    await expect(read(flip(middle * 8))).rejects.toMatchObject({
      code: 'parquet.invalid',
      message: expect.stringMatching(
        /^lake\/clicks\/part-0\.parquet: .*: column \w+: the page at byte \d+ is damaged/,
      ),
    });
  });

  it('changes values unseen in the footer only where it says that a column of numbers takes no nulls', async () => {
    const seen: number[] = [];
    for (let bit = footer * 8; bit < file.bytes.length * 8; bit++)
      if ((await outcomeOf(bit)) === 'changed') seen.push((bit >> 3) - footer);
    const schema = file.bytes.subarray(footer).toString('latin1');
    // The byte of the repetition stands behind the type, right before the name: optional becomes required.
    const repetitions = seen.map((byte) => schema.slice(byte + 2, byte + 8));
    expect(repetitions).toEqual(['\u0007sessi', '\u0005price']);
  });
});

describe('a chunk of pages', () => {
  /** A header as parquet.thrift has it, PageHeader, and the bytes of the page. */
  const pageOf = (page: string, { size = page.length, crc = crc32(page) | 0 } = {}) =>
    Buffer.concat([
      serializeThrift(
        new PageHeader({ type: 0, uncompressed_page_size: page.length, compressed_page_size: size, crc }),
      ),
      Buffer.from(page),
    ]);
  /** Whether the bytes of a chunk come out of a file whose pages are checked. */
  const passes = async (...pages: readonly Buffer[]) => {
    const bytes = new Uint8Array(Buffer.concat(pages)).buffer;
    const data = {
      path_in_schema: ['n'],
      data_page_offset: 0n,
      total_compressed_size: BigInt(bytes.byteLength),
    };
    const group = { columns: [{ meta_data: data }] } as unknown as RowGroup;
    const { slice } = await checkPages({ byteLength: bytes.byteLength, slice: () => bytes }, group);
    return Promise.resolve(slice(0)).then(
      () => true,
      ({ message }: Error) => message,
    );
  };
  const damaged = pageOf('other', { crc: 1 });
  const isDamaged = expect.stringContaining('is damaged: it does not have its checksum');

  it('is refused if one of them does not have its checksum, also behind an empty one', async () => {
    expect(await passes(pageOf('one'), pageOf(''), pageOf('other'))).toBe(true);
    expect(await passes(pageOf('one'), damaged)).toEqual(isDamaged);
    expect(await passes(pageOf('one'), pageOf(''), damaged)).toEqual(isDamaged);
  });

  it.each([-1, 6, 1000])(
    'is left to the reader of the values from a page on that cannot have %i bytes',
    async (size) => {
      expect(await passes(pageOf('one'), pageOf('other', { size, crc: 1 }))).toBe(true);
      expect(await passes(damaged, pageOf('other', { size, crc: 1 }))).toEqual(isDamaged);
    },
  );
});
