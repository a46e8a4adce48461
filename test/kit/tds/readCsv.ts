import { SqlError } from './syntax';

/**
 * The rows and fields of a CSV file, in the way that COPY reads it. An empty field is null, quoted or not, and a line break always ends a
 * row.
 */
export function* readCsv(text: string): Iterable<(string | null)[]> {
  for (const line of text.split('\n').slice(0, -1)) {
    const fields: (string | null)[] = [];
    const pattern = /(?:"((?:[^"]|"")*)"|([^,"]*))(,|$)/y;
    for (let more = true; more; ) {
      const found = pattern.exec(line);
      if (!found) throw new SqlError(13812, 'Bulk load data conversion error.');
      const value = found[1]?.replaceAll('""', '"') ?? found[2] ?? '';
      fields.push(value === '' ? null : value);
      more = found[3] === ',';
    }
    yield fields;
  }
}
