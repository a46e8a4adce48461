import { describe, expect, it } from 'vitest';
import { type CountedKey, type CountsAnswer, type Trend, wordsOf } from '../../src/cli/countsAnswers';
import { type Asked, describeCounts } from '../../src/cli/countsTable';
import { textWidth } from '../../src/cli/textTable';

/*
 * The table of `npm run clicks` for terminals of all widths.
 */

const key = (product: number, count: number, name?: string): CountedKey => ({
  ...{ key: product, count, name, attribute: 3 },
});
const answerOf = (...keys: CountedKey[]): CountsAnswer => ({
  version: 812,
  asOf: '2026-11-27T03:12:04.123Z',
  total: keys.reduce((sum, { count }) => sum + count, 0),
  keys,
  other: undefined,
});
const all: Asked = { last: undefined, category: undefined, product: undefined, top: 20 };
const trendOf = (...changes: [product: number, now: number, before: number][]): Trend => ({
  from: '2026-11-27T02:57:00.000Z',
  to: '2026-11-27T03:12:00.000Z',
  total: changes.reduce((sum, [, now]) => sum + now, 0),
  before: changes.reduce((sum, [, , before]) => sum + before, 0),
  byKey: new Map(changes.map(([product, count, before]) => [product, { count, before, attribute: 3 }])),
});

function linesFor(columns: number, answer: CountsAnswer, trend?: Trend, asked: Asked = all): string[] {
  return describeCounts({ words: wordsOf(undefined), answer, trend, asked }, { columns });
}

describe('the table of counts', () => {
  const lamp = '电灯 with a long name that says a lot';
  const answer = answerOf(key(7, 1_234_567, lamp), key(12, 617_283), key(3, 1));
  const trend = trendOf([7, 9000, 8000], [12, 150, 300], [3, 0, 0]);

  it('has numbers below each other, and bars that show the shares', () => {
    expect(linesFor(100, answer, trend)).toEqual([
      '1,851,851 clicks since the beginning, 3 products, as of 2026-11-27 03:12:04 UTC, version 812',
      '10.2 a second from 2026-11-27 02:57 to 03:12 UTC, +10 % against the time before',
      'product  name                                   category     clicks  a minute  change',
      `      7  电灯 with a long name that says a lot         3  1,234,567       600   +13 %  █████████████`,
      `     12                                                3    617,283        10   -50 %  ██████▌`,
      `      3                                                3          1         0       -  ▏`,
    ]);
  });

  it.each([20, 40, 60, 80, 200])('fits into %i columns', (columns) => {
    const lines = linesFor(columns, answer, trend);
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(columns);
    expect(lines).toHaveLength(6);
    if (columns >= 80) expect(lines[3]).toMatch(/█$/);
  });

  it('shows the text of others as escapes', () => {
    const [, , line] = linesFor(200, answerOf(key(1, 2, '\u001b[2J\nred\u202e')));
    expect(line).toContain('\\u001b[2J\\nred\\u202e');
  });

  it('compares only the category or the product that is shown', () => {
    const two = trendOf([7, 60, 30], [12, 30, 60]);
    const other: Trend = {
      ...two,
      byKey: new Map([...two.byKey, [9, { count: 900, before: 1, attribute: 4 }]]),
    };
    const rateOf = (asked: Partial<Asked>, shown = answer) =>
      linesFor(200, shown, other, { ...all, ...asked })[1]?.replace(/ from .* UTC/, '');
    expect(rateOf({ category: '3' })).toBe('6 a minute, 0 % against the time before');
    expect(rateOf({ product: '7' }, answerOf(key(7, 100)))).toBe(
      '4 a minute, +100 % against the time before',
    );
  });

  it('speaks of one product as one', () => {
    const [heading] = linesFor(200, answerOf(key(7, 3)), undefined, { ...all, top: 1 });
    expect(heading).toMatch(/^3 clicks since the beginning, the top product, as of /);
  });

  it('has no sign where nothing changed in whole percents', () => {
    const changed = trendOf([7, 1999, 2000], [12, 2001, 2000], [3, 0, 0]);
    const lines = linesFor(200, answer, trendOf([7, 1999, 2000]));
    expect(lines[1]).toMatch(/, 0 % against the time before$/);
    expect(linesFor(200, answer, changed).slice(3, 5)).toEqual([
      expect.stringMatching(/ 0 % /),
      expect.stringMatching(/ 0 % /),
    ]);
    expect(lines.join()).not.toContain('-0');
  });

  it('says what there is none of', () => {
    const none = (asked: Partial<Asked>, version = 812) =>
      linesFor(80, { ...answerOf(), version }, undefined, { ...all, ...asked });
    expect(none({}, -1)).toEqual(['No clicks yet: nothing was ingested.']);
    expect(none({})).toEqual(['No clicks yet.']);
    expect(none({ last: '15m', category: '4' })).toEqual(['No clicks with category 4 in the last 15m.']);
  });
});
