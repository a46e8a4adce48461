import { minuteMs } from '../lib/duration';
import { inertInLine } from '../lib/inert';
import { count, quantity } from '../lib/quantity';
import type { CountedKey, CountsAnswer, CountWords, Span, Trend } from './countsAnswers';
import { cutText, formatTable, textWidth } from './textTable';

/*
 * The counts as a table in the terminal: how many, how fast, whether more or fewer than before, and a bar for each.
 */

export interface CountsView {
  readonly words: CountWords;
  readonly answer: CountsAnswer;
  /** Undefined if the API does not compare this time with another. */
  readonly trend: Trend | undefined;
  /** The filters that were asked for. */
  readonly asked: Asked;
}

export interface Asked {
  /** A span like 15m; undefined since the beginning. */
  readonly last: string | undefined;
  readonly category: string | undefined;
  readonly product: string | undefined;
  readonly top: number;
}

/** How much room the terminal has for the table. */
export interface Room {
  readonly columns: number;
}

/**
 * The number of lines around those of the keys: two lines of heading, one of titles, one row for all other keys, and one line about them.
 */
export const linesAround = 5;

const mostBar = 40;
const leastBar = 8;
const leastName = 8;

/** Lines that are no longer than the room is wide. */
export function describeCounts(view: CountsView, room: Room): string[] {
  const { answer, words, asked, trend } = view;
  if (trend?.noneIn) return describeBeginning(view, trend.noneIn, room);
  if (answer.version < 0 || (answer.total === 0 && answer.keys.length === 0)) return [describeNothing(view)];
  const heading = [headingOf(view), ...(trend ? [describeRate(view, trend)] : [])];
  const note = answer.other &&
    asked.category === undefined && [
      `The ${words.keyNoun}s in "other" are not counted on their own; each has at most ${count(answer.other.atMost)}.`,
    ];
  return [...heading, ...tableOf(view, room), ...(note || [])].map((line) => cutText(line, room.columns));
}

/** The table without a rate and a change. Both would be wrong if the rows began in the current minute or in the one before it. */
function describeBeginning(view: CountsView, noneIn: Span, room: Room): string[] {
  const [heading = '', ...others] = describeCounts({ ...view, trend: undefined }, room);
  const none = `No ${view.words.noun}s ${timeOf(noneIn)}, so it is too early for a rate.`;
  return [heading, cutText(none, room.columns), ...others];
}

function describeNothing({ words, answer, asked }: CountsView): string {
  const { noun } = words;
  if (answer.version < 0) return `No ${noun}s yet: nothing was ingested.`;
  const which = asked.category === undefined ? '' : ` with ${words.attribute} ${inertInLine(asked.category)}`;
  const when = asked.last === undefined ? ' yet' : ` in the last ${asked.last}`;
  return `No ${noun}s${which}${when}.`;
}

/** "1,204 clicks in the last 15m, 670 products, as of 2026-11-27 03:12:04 UTC, version 812" */
function headingOf({ words, answer, asked }: CountsView): string {
  const { keys, total, asOf, version } = answer;
  const when = asked.last === undefined ? 'since the beginning' : `in the last ${asked.last}`;
  const which = asked.category === undefined ? '' : ` with ${words.attribute} ${inertInLine(asked.category)}`;
  // The API returns `top` keys at most. If it returned fewer, these are all there are.
  const shown =
    keys.length < asked.top
      ? quantity(keys.length, words.keyNoun)
      : `the top ${asked.top === 1 ? words.keyNoun : `${count(asked.top)} ${words.keyNoun}s`}`;
  const time = asOf === undefined ? '' : `, as of ${utc(asOf)} UTC`;
  const listed = asked.product === undefined ? `, ${shown}` : '';
  return `${quantity(total, words.noun)}${which} ${when}${listed}${time}, version ${version}`;
}

const utc = (iso: string): string => iso.slice(0, 19).replace('T', ' ');

/** "10.2 a second from 02:57 to 03:12 UTC, +4 % against the same time before" */
function describeRate({ answer, asked }: CountsView, trend: Trend): string {
  const isPart = asked.category !== undefined || asked.product !== undefined;
  const { now, before } = isPart
    ? sumOf(trend, asked, answer.keys)
    : { now: trend.total, before: trend.before };
  const seconds = minutesOf(trend) * 60;
  const change =
    before === 0 ? 'none in the time before' : `${changeOf(now, before)} against the time before`;
  const rate =
    now >= seconds ? `${decimal(now / seconds)} a second` : `${decimal((now * 60) / seconds)} a minute`;
  return `${rate} ${timeOf(trend)}, ${change}`;
}

/** "from 2026-11-27 02:57 to 03:12 UTC" */
function timeOf(span: Span): string {
  const [from, to] = [utc(span.from).slice(0, 16), utc(span.to).slice(0, 16)];
  const [day, time] = to.split(' ');
  return `from ${from} to ${from.startsWith(`${day}`) ? time : to} UTC`;
}

/** The rows in both times: of the keys of the category if one was asked for, otherwise of the keys that are shown. */
function sumOf({ byKey }: Trend, { category }: Asked, keys: readonly CountedKey[]) {
  const changes =
    category === undefined
      ? keys.flatMap(({ key }) => byKey.get(key) ?? [])
      : [...byKey.values()].filter(({ attribute }) => String(attribute) === category);
  return {
    now: changes.reduce((sum, change) => sum + change.count, 0),
    before: changes.reduce((sum, change) => sum + change.before, 0),
  };
}

const minutesOf = ({ from, to }: Trend): number => (Date.parse(to) - Date.parse(from)) / minuteMs;

/** `12.3`, or `1,204` for a number so large that a fraction would say nothing. */
const decimal = (value: number): string =>
  value >= 100 ? count(Math.round(value)) : value.toLocaleString('en-US', { maximumFractionDigits: 1 });

/** `+12 %`; `new` if there was none in the time before. */
function changeOf(now: number, before: number): string {
  if (before === 0) return now === 0 ? '-' : 'new';
  // Adding 0 turns -0, which a small fall would be rounded to, into 0.
  const percent = Math.round((now / before - 1) * 100) + 0;
  return `${percent > 0 ? '+' : ''}${count(percent)} %`;
}

function tableOf(view: CountsView, { columns }: Room): string[] {
  const { words, answer, trend } = view;
  const rows = rowsOf(view);
  const hasNames = answer.keys.some(({ name }) => name !== undefined);
  const right = (title: string) => ({ title, isRight: true });
  const titles = [
    right(words.keyNoun),
    ...(hasNames ? [{ title: 'name' }] : []),
    right(words.attribute),
    right(words.count),
    ...(trend ? [right('a minute'), right('change')] : []),
  ];
  const cells = rows.map(({ key, name, attribute, total, rate, change }) => [
    key,
    ...(hasNames ? [name] : []),
    attribute,
    total,
    ...(trend ? [rate, change] : []),
  ]);
  const fitted = hasNames ? fitNames(cells, titles, columns) : cells;
  const [first = '', ...others] = formatTable(titles, fitted);
  const width = Math.max(textWidth(first), ...others.map(textWidth));
  const room = Math.min(mostBar, columns - width - 2);
  if (room < leastBar) return [first, ...others];
  const most = Math.max(1, ...answer.keys.map((each) => each.count));
  return [
    first,
    ...others.map((line, index) => {
      const bar = barOf((rows[index]?.bar ?? 0) / most, room);
      return bar === '' ? line : `${line}${' '.repeat(width - textWidth(line))}  ${bar}`;
    }),
  ];
}

interface Row {
  readonly key: string;
  readonly name: string;
  readonly attribute: string;
  readonly total: string;
  readonly rate: string;
  readonly change: string;
  /** The count that its bar stands for. */
  readonly bar: number;
}

function rowsOf({ answer, trend, asked }: CountsView): Row[] {
  const rows = answer.keys.map((entry): Row => {
    const { count: now = 0, before = 0 } = trend?.byKey.get(entry.key) ?? {};
    return {
      key: inertInLine(String(entry.key)),
      name: inertInLine(entry.name ?? ''),
      attribute: inertInLine(String(entry.attribute ?? '-')),
      total: count(entry.count),
      rate: trend ? decimal(now / minutesOf(trend)) : '',
      change: changeOf(now, before),
      bar: entry.count,
    };
  });
  if (!answer.other || asked.category !== undefined) return rows;
  const total = count(answer.other.count);
  return [...rows, { key: 'other', name: '', attribute: '-', total, rate: '', change: '', bar: 0 }];
}

/** Shortens names, which are in the second column, so that a short bar has room beside them. */
function fitNames(
  cells: readonly string[][],
  titles: readonly { readonly title: string }[],
  columns: number,
): string[][] {
  const widthOf = (index: number) =>
    Math.max(...[titles[index]?.title ?? '', ...cells.map((row) => row[index] ?? '')].map(textWidth));
  const others = titles.reduce((sum, _, index) => sum + (index === 1 ? 0 : widthOf(index) + 2), 0);
  const most = Math.max(leastName, columns - others - leastBar - 2);
  return cells.map((row) => row.map((cell, index) => (index === 1 ? cutText(cell, most) : cell)));
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar that fills this share of the width. A share above 0 is always visible. */
function barOf(share: number, width: number): string {
  const parts = share <= 0 ? 0 : Math.max(1, Math.round(share * width * 8));
  return '█'.repeat(Math.floor(parts / 8)) + (eighths[parts % 8] ?? '');
}
