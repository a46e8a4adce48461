import { numberFlag } from '../src/cli/commandLine/arguments';
import type { Flag } from '../src/cli/commandLine/command';

/** The value below which the given share (0 to 1) of the values lies; NaN if there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** A number with about three significant digits: at most three after the point, and none from 100 on; with separated thousands. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.min(digits, 3) });
}

/** Prints rows of cells. The first column is aligned to the left, all others to the right. */
export function printTable(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  for (const row of [header, ...rows]) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    console.log(cells.join('  '));
  }
}

/** A flag for a whole number from 1 on. */
export const countFlag = (meaning: string, fallback: number): Flag<number> =>
  numberFlag({ meaning, fallback, least: 1, most: 100_000_000, whole: true });

/** A flag with several numbers, like 1000,5000. */
export const listFlag = (
  meaning: string,
  fallback: readonly number[],
  least = 1,
): Flag<readonly number[]> => ({
  value: 'LIST',
  meaning: `${meaning}, by default ${fallback}`,
  expected: `numbers from ${least} on, like ${fallback}`,
  fallback,
  read(text) {
    const numbers = text.split(',').map((each) => (/^\d+(?:\.\d+)?$/.test(each) ? Number(each) : Number.NaN));
    return numbers.every((number) => number >= least) ? numbers : undefined;
  },
});
