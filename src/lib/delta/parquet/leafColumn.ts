import type { ColumnMetaData, Compressors, DecodedArray, PageHeader, SchemaTree } from 'hyparquet';

/** A leaf column without lists above it, as its pages hold it: there are no places for nulls among the values. */
export interface LeafColumn {
  /** For each row, how many of the optional elements on the path to the leaf are present. */
  readonly definitions: Uint8Array;
  /** The number in `definitions` of a row that has a value. */
  readonly highest: number;
  /** The values that are not null, in the order of their rows. Bytes are views of pages, longs are bigints. */
  readonly values: readonly unknown[];
}

export interface LeafChunk {
  /** The bytes from the header of the first page to the end of the last one. */
  readonly bytes: ArrayBuffer;
  readonly data: ColumnMetaData;
  /** The schema's elements from its root down to the leaf. */
  readonly schemaPath: SchemaTree[];
  readonly rows: number;
  readonly compressors: Compressors;
}

/** Decodes leaf columns. */
export class LeafReader {
  readonly #hyparquet: Awaited<ReturnType<typeof loadPageReaders>>;

  private constructor(hyparquet: Awaited<ReturnType<typeof loadPageReaders>>) {
    this.#hyparquet = hyparquet;
  }

  static async load(): Promise<LeafReader> {
    return new LeafReader(await loadPageReaders());
  }

  /** Decodes all pages. Throws if they do not have one entry for each row. */
  read(chunk: LeafChunk): LeafColumn {
    const { data, schemaPath, rows } = chunk;
    const highest = schemaPath.filter(({ element }) => element.repetition_type === 'OPTIONAL').length;
    const definitions = new Uint8Array(rows);
    const values: unknown[] = [];
    let row = 0;
    for (const { entries, definitionLevels: levels, dataPage } of this.#dataPages(chunk)) {
      const hasNulls = levels !== undefined && levels.length > 0;
      let there = 0;
      for (let at = 0; at < entries; at++) {
        const level = hasNulls ? levels[at] : highest;
        if (level === undefined || level > highest)
          throw new Error(`column ${nameOf(data)} has a page with wrong levels`);
        definitions[row + at] = level;
        if (level === highest) there++;
      }
      row += entries;
      if (dataPage.length < there) throw new Error(`column ${nameOf(data)} has a page with too few values`);
      for (let at = 0; at < there; at++) values.push(dataPage[at]);
    }
    if (row !== rows)
      throw new Error(`column ${nameOf(data)} has ${row} values in a row group of ${rows} rows`);
    return { definitions, highest, values };
  }

  /** Whether each page of a chunk has a checksum. Then damage is found without decoding the page. */
  hasChecksums(bytes: ArrayBuffer): boolean {
    for (const { crc } of this.#pages(bytes)) if (crc === undefined) return false;
    return true;
  }

  *#pages(bytes: ArrayBuffer): Generator<PageHeader & { readonly page: Uint8Array }, void> {
    const reader = { view: new DataView(bytes), offset: 0 };
    while (reader.offset < bytes.byteLength) {
      const header = this.#hyparquet.parquetHeader(reader);
      const page = new Uint8Array(bytes, reader.offset, header.compressed_page_size);
      reader.offset += page.length;
      yield { ...header, page };
    }
  }

  /** The data pages. If the column has a dictionary, each comes with the values that its indices point to. */
  *#dataPages({ bytes, data, schemaPath, compressors }: LeafChunk): Generator<DataPage, void> {
    const { decompressPage, readDataPage, readDataPageV2, readPlain, parsers } = this.#hyparquet;
    const element = schemaPath.at(-1)?.element ?? { name: '' };
    const pathInSchema = data.path_in_schema;
    const decoder = { ...data, pathInSchema, schemaPath, element, compressors, parsers, utf8: false };
    const unpacked = ({ page, uncompressed_page_size: size }: PageHeader & { readonly page: Uint8Array }) =>
      decompressPage(page, size, data.codec, compressors);
    let dictionary: DecodedArray | undefined;
    for (const header of this.#pages(bytes)) {
      const { dictionary_page_header: ofDictionary, data_page_header: v1, data_page_header_v2: v2 } = header;
      if (ofDictionary) {
        const plain = unpacked(header);
        const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
        dictionary = readPlain({ view, offset: 0 }, data.type, ofDictionary.num_values, undefined);
      }
      const decoded = v1
        ? readDataPage(unpacked(header), v1, decoder)
        : v2 && readDataPageV2(header.page, header, decoder);
      const kind = v1 ?? v2;
      if (!decoded || !kind) continue;
      const isIndex = kind.encoding.endsWith('_DICTIONARY');
      const dataPage = isIndex
        ? Array.from(decoded.dataPage as ArrayLike<number>, (at) => dictionary?.[at])
        : decoded.dataPage;
      yield { ...decoded, dataPage, entries: kind.num_values };
    }
  }
}

interface DataPage {
  /** The number of values and nulls. */
  readonly entries: number;
  /** Empty if nothing is null. */
  readonly definitionLevels: readonly number[] | undefined;
  readonly dataPage: ArrayLike<unknown>;
}

const nameOf = ({ path_in_schema: path }: ColumnMetaData): string => path.join('.');

async function loadPageReaders() {
  const [{ parquetHeader }, { DEFAULT_PARSERS: parsers }, pages, { readPlain }] = await Promise.all([
    import('hyparquet/src/column.js'),
    import('hyparquet/src/convert.js'),
    import('hyparquet/src/datapage.js'),
    import('hyparquet/src/plain.js'),
  ]);
  return { ...pages, parquetHeader, parsers, readPlain };
}
