/** The path of the optional file of names in the lake's container. */
export const productsPath = 'products.csv';

/** The contents of a products.csv. */
export interface ProductsFile {
  /** The names, by product id. */
  readonly names: ReadonlyMap<number, string>;
  /** Lines that are not used, in their order. Blank lines are not among them. */
  readonly passedOver: readonly PassedOver[];
  /** False if the file is not UTF-8. Then letters such as ü are shown as �. */
  readonly isUtf8: boolean;
}

export interface PassedOver {
  /** The line's number, from 1 on. */
  readonly line: number;
  readonly reason: string;
}

/**
 * Reads CSV (RFC 4180) with the columns productid and name. A first line with titles may put them in another order and have more
 * columns. A line without a whole number and a name is passed over, because names only help readers and must not stop the counts.
 */
export function readProducts(bytes: Uint8Array): ProductsFile {
  const text = Buffer.from(bytes).toString('utf8');
  const records = parseCsv(text.replace(/^\uFEFF/, ''));
  const titles = records[0]?.fields.map((title) => title.trim().toLowerCase()) ?? [];
  const hasTitles = titles.includes('productid') && titles.includes('name');
  const [idAt, nameAt] = hasTitles ? [titles.indexOf('productid'), titles.indexOf('name')] : [0, 1];
  const found = new Map<number, { readonly line: number; readonly name: string }>();
  const passedOver: PassedOver[] = [];
  for (const { line, fields } of hasTitles ? records.slice(1) : records) {
    const id = fields[idAt]?.trim() ?? '';
    const name = fields[nameAt]?.trim().toWellFormed() ?? '';
    if (fields.every((field) => field.trim() === '')) continue;
    if (!/^-?\d{1,15}$/.test(id)) passedOver.push({ line, reason: 'its productid is no whole number' });
    else if (name === '') passedOver.push({ line, reason: 'it has no name' });
    else {
      const earlier = found.get(Number(id))?.line;
      if (earlier !== undefined)
        passedOver.push({ line: earlier, reason: `line ${line} names the same product` });
      found.set(Number(id), { line, name });
    }
  }
  return {
    names: new Map([...found].map(([id, { name }]) => [id, name])),
    passedOver: passedOver.sort((a, b) => a.line - b.line),
    isUtf8: Buffer.from(text, 'utf8').equals(bytes),
  };
}

/**
 * A field, then a comma, a line end or the end of the text. In a field in quotes, "" stands for a quote. If a field does not begin and
 * end with a quote, each quote in it belongs to its text, like the inches of `19" monitor`.
 */
const csvField = /(?:[ \t]*"((?:[^"]|"")*)"[ \t]*(?=[,\r\n]|$)|([^,\r\n]*))(,|\r\n?|\n|$)/g;

interface CsvRecord {
  /** The number of the line in which it begins, from 1 on. */
  readonly line: number;
  readonly fields: readonly string[];
}

function parseCsv(text: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let fields: string[] = [];
  let [line, next] = [1, 1];
  for (const [all, quoted, plain = '', end] of text.matchAll(csvField)) {
    fields.push(quoted?.replaceAll('""', '"') ?? plain);
    next += all.match(/\r\n?|\n/g)?.length ?? 0;
    if (end === ',') continue;
    records.push({ line, fields });
    fields = [];
    line = next;
  }
  return records;
}
