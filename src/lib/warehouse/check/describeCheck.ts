import { minuteMs } from '../../duration';
import { quantity } from '../../quantity';
import type { Checked, DifferentSlice } from './checkTable';
import type { DifferentRow } from './differentRows';
import type { Slice } from './slices';

const mostShown = 20;

/** The result of a check in words: a line for each difference, and the verdict. */
export function describeCheck(checked: Checked, name: string): { isEqual: boolean; lines: string[] } {
  const { version, rows, rejected, rejectedWanted, different, unread } = checked;
  const found = [...describeRows(different), ...unread.map(describeSlice)];
  const shown = found.slice(0, mostShown);
  if (found.length > shown.length) shown.push(`and ${found.length - shown.length} more`);
  if (rejectedWanted !== undefined)
    shown.push(`${quantity(rejected, 'rejected row')}, where ${rejectedWanted} rows of the lake do not fit`);
  const isEqual = shown.length === 0;
  const numbers = `${quantity(rows, 'row')}, ${rejected} rejected`;
  const verdict = `${name}: ${isEqual ? 'equal' : 'NOT equal'} to version ${version} of the lake (${numbers})`;
  return { isEqual, lines: [...shown.map((line) => `${name}: ${line}`), verdict] };
}

/** The lines for rows: one for each row with an address, and one for each day for all others. */
function describeRows(rows: readonly DifferentRow[]): string[] {
  const days = new Map<string, number>();
  const lines: string[] = [];
  for (const { what, address, day = 'without a time', columns } of rows) {
    const kind = columns.length > 0 ? `${what} in ${columns.join(', ')}` : what;
    if (address) {
      const { partition, sequenceNumber, element, hubCreatedAt } = address;
      const place = `partition ${partition}, sequence number ${sequenceNumber}, element ${element}`;
      const created = new Date(Number(hubCreatedAt / 1000n)).toISOString();
      lines.push(`${kind}: ${place} of the hub created ${created}`);
    } else {
      const group = `${day}: ${address === null ? 'without an address, ' : ''}${what}`;
      days.set(group, (days.get(group) ?? 0) + 1);
    }
  }
  for (const [group, count] of days) lines.push(`${group} ${quantity(count, 'row')}`);
  return lines;
}

function describeSlice({ slice, rows, wanted, columns }: DifferentSlice): string {
  const numbers = rows === wanted ? [] : [`${quantity(rows, 'row')} where the lake has ${wanted}`];
  const differing = columns.length > 0 ? [`other values in ${columns.join(', ')}`] : [];
  const found = [...numbers, ...differing];
  return `${nameOf(slice)}: ${found.length > 0 ? found.join(', ') : 'values of other rows'}`;
}

function nameOf(slice: Slice): string {
  if (slice === 'none') return 'without a time';
  const time = (minute: number) => `${new Date(minute * minuteMs).toISOString().slice(0, 16)}Z`;
  const { from, to } = slice;
  if (from === undefined) return to === undefined ? 'all rows' : `before ${time(to)}`;
  return to === undefined ? `from ${time(from)}` : `${time(from)} to ${time(to)}`;
}
