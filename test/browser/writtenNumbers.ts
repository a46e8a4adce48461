export const written = (value: unknown): string => Number(value).toLocaleString('en-US');

const signed = (value: number): string =>
  `${value > 0 ? '+' : value < 0 ? '\u2212' : '±'}${written(Math.abs(value))}`;

/** The change as the page writes it. */
export function writtenChange({ clicks, before }: { clicks: number; before: number }): string {
  const percent = before === 0 ? '' : `${signed(Math.round((1000 * (clicks - before)) / before) / 10)} %`;
  return `${signed(clicks - before)} ${percent}`.trim();
}

/** The same within a sentence. */
export const changeInWords = (difference: { clicks: number; before: number }): string =>
  writtenChange(difference).replace(/ ([^ ]+ %)$/, ' ($1)');
