import { rescuedColumn, tableFields } from '../src/lib/lake/rowAddress';
import { clickstream } from '../src/lib/streams/clickstream';

/** The columns of clicks that have values. The column of rescued fields is not among them. */
export const clickFields = tableFields(clickstream).filter(({ name }) => name !== rescuedColumn.name);

/** Clicks by column, in the order of `clickFields`, as the ingest function has them. The same number gives the same clicks. */
export function clickColumns(rows: number): number[][] {
  const start = 1_780_000_000_000_000;
  const columns: number[][] = clickFields.map(() => []);
  let random = 42;
  const draw = (below: number) => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((random / 2 ** 32) * below);
  };
  for (let row = 0; row < rows; row++) {
    const product = 1 + draw(670);
    const sent = start + row * 1000;
    const values = [
      product,
      sent - draw(60_000) * 1000,
      700_000 + Math.floor(row / 40) + draw(1000),
      (product % 10) + 1,
      sent + draw(50) * 1000,
      start - 86_400_000_000,
      Math.floor((row * 4) / rows),
      10_000 + row,
      0,
    ];
    for (const [index, value] of values.entries()) columns[index]?.push(value);
  }
  return columns;
}
