import type { ShownHistory } from './clicksChart.js';
import { byId, setMessage } from './elements.js';
import { keptKey } from './key.js';
import type { Screen } from './screen.js';

/** A record of CSV with its line end; a quoted cell may hold line ends too. */
const record = /(?:[^"\r\n]|"(?:[^"]|"")*")*\r\n/g;

/** The title line, and the records whose first cell is in `firsts`. */
export function onlyRows(csv: string, firsts: ReadonlySet<string>): string {
  const [titles = '', ...records] = csv.match(record) ?? [];
  return titles + records.filter((one) => isFirst(one, firsts)).join('');
}

/** Whether the first cell is in `firsts`. It may stand in quotes, or behind the apostrophe that keeps a spreadsheet from running it. */
function isFirst(line: string, firsts: ReadonlySet<string>): boolean {
  const [cell = ''] = /^(?:"(?:[^"]|"")*"|[^,\r\n]*)/.exec(line) ?? [];
  const text = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;
  return firsts.has(text) || (text.startsWith("'") && firsts.has(text.slice(1)));
}

/** CSV with a column for each line of the chart. It has only times and numbers, so no cell needs quotes. */
export function historyAsCsv(lines: readonly ShownHistory[]): string {
  const titles = ['from', ...lines.map(({ title }) => title)];
  const rows = (lines[0]?.buckets ?? []).map(({ from }, row) => [
    from,
    ...lines.map(({ buckets }) => buckets[row]?.clicks ?? 0),
  ]);
  return [titles, ...rows].map((cells) => `${cells.join(',')}\r\n`).join('');
}

/** Has the browser save a text. There is no link to the API, because a link would need the key in its address. */
function saveCsv(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** Makes these buttons save the files that the screen has for them. */
export function saveOnClick(ids: readonly string[], screen: () => Screen): void {
  for (const id of ids)
    byId(id).addEventListener('click', async () => {
      const file = screen().files[id];
      if (!file) return;
      try {
        saveCsv(`${file.name.replace(/[^\w.-]+/g, '-')}.csv`, await file.make(keptKey()));
        setMessage('download-problem', '');
      } catch (failure) {
        const reason = failure instanceof Error && failure.message !== '' ? ` ${failure.message}` : '';
        setMessage('download-problem', `The file could not be made.${reason} Try again.`);
      }
    });
}
