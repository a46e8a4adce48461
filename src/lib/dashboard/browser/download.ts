import type { Bucket } from './api.js';

/** A record of CSV with its line end; a quoted cell may hold line ends too. */
const record = /(?:[^"\r\n]|"(?:[^"]|"")*")*\r\n/g;

/** The title line, and the records of those products. */
export function onlyProducts(csv: string, productids: ReadonlySet<string>): string {
  const [titles = '', ...records] = csv.match(record) ?? [];
  return titles + records.filter((one) => productids.has(one.split(',', 1)[0] ?? '')).join('');
}

/** Of times and numbers only, so that no cell needs quotes. */
export const bucketsAsCsv = (buckets: readonly Bucket[]): string =>
  ['from,clicks', ...buckets.map(({ from, clicks }) => `${from},${clicks}`)]
    .map((line) => `${line}\r\n`)
    .join('');

/** Has the browser save a text. No link leads to the API, so that none needs the key. */
export function saveCsv(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
