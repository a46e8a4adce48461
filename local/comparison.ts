import { clicksStream } from '../src/lib/api/countTerms';
import { count, quantity } from '../src/lib/quantity';
import type { Stream } from '../src/lib/streams/stream';
import type { StreamFigures } from './figures';

/*
 * The last line of `npm start` for a stream. It says whether independent places have the same numbers.
 */

export interface Comparison {
  /** Whether the table has all accepted events, and counts and warehouse have all rows of the table. */
  readonly equal: boolean;
  /**
   * Like `accepted 41,200 = rows 41,200 = clicks 41,200` if each event is one row; otherwise like
   * `accepted 41,201 = ingested 41,201, rows 41,200 = clicks 41,200, 1 dead letter`.
   */
  readonly line: string;
}

export interface Figures extends StreamFigures {
  /** Rows in the warehouse; undefined if it does not answer. */
  readonly inWarehouse: number | undefined;
}

/** The word for the events of a stream: the name of its table. */
export const nounOf = ({ table }: Stream): string => table;

/** Whether a stream is the one that GET /api/clicks counts. */
export const isClicks = ({ name }: Stream): boolean => name === clicksStream;

/**
 * The text in front of a sentence about a stream. The clickstream needs no name, because its comparison is the last line of `npm start`.
 */
export const prefixOf = (stream: Stream): string => (isClicks(stream) ? '' : `${nounOf(stream)}: `);

/**
 * @param clicks the number of clicks that the API counts
 * @param letters the number of dead letters that are no rows
 */
export function compareFigures(
  stream: Stream,
  { accepted, ingested, rows, inWarehouse }: Figures,
  { clicks, letters }: { readonly clicks: number | undefined; readonly letters: number },
): Comparison {
  const events: Figure[] = [
    ['accepted', accepted],
    ['ingested', ingested],
  ];
  const stored: Figure[] = [
    ['rows', rows],
    ...(clicks === undefined ? [] : [['clicks', clicks] satisfies Figure]),
    ...(stream.warehouse ? [['warehouse', inWarehouse] satisfies Figure] : []),
  ];
  const isRowAnEvent = letters === 0 && rows === ingested;
  const line = isRowAnEvent
    ? join([['accepted', accepted], ...stored])
    : [join(events), join(stored), ...(letters === 0 ? [] : [quantity(letters, 'dead letter')])].join(', ');
  return { equal: areEqual(events) && areEqual(stored), line: `${prefixOf(stream)}${line}` };
}

/** The numbers of a stream that are behind the number they should reach, in words. */
export function describeMissing(
  { warehouse }: Stream,
  { accepted, ingested, rows, inWarehouse }: Figures,
  clicks = rows,
): string[] {
  return [
    ...(ingested < accepted ? [`${areOf(accepted - ingested, 'accepted event')} not ingested`] : []),
    ...(clicks < rows ? [`${areOf(rows - clicks, 'row')} not counted by the API`] : []),
    ...(warehouse && inWarehouse === undefined ? ['the warehouse does not answer'] : []),
    ...(inWarehouse !== undefined && inWarehouse < rows
      ? [`${areOf(rows - inWarehouse, 'row')} not in the warehouse`]
      : []),
  ];
}

const areOf = (value: number, noun: string) => `${quantity(value, noun)} ${value === 1 ? 'is' : 'are'}`;

/** A number and its name. The number is undefined if it is not known. */
type Figure = [what: string, value: number | undefined];

const areEqual = (figures: readonly Figure[]) => figures.every(([, value]) => value === figures[0]?.[1]);

/** Joins figures with `=` or `≠`. Each of them is compared with the first one. */
const join = (figures: readonly Figure[]) =>
  figures
    .map(([what, value], index) => {
      const sign = index === 0 ? '' : value === figures[0]?.[1] ? ' = ' : ' ≠ ';
      return `${sign}${what} ${count(value ?? Number.NaN)}`;
    })
    .join('');
