import { expect, it } from 'vitest';
import { compareFigures, describeMissing } from '../../local/comparison';
import { clickstream } from '../../src/lib/streams/clickstream';
import { assetStream } from '../kit/assetStream';

const figures = {
  accepted: 41_200,
  delivered: 41_200,
  ingested: 41_200,
  rows: 41_200,
  version: 7,
  inWarehouse: 41_200,
};
const found = { clicks: 41_200, letters: 0 };

it.each([
  [{}, {}, true, 'accepted 41,200 = rows 41,200 = clicks 41,200 = warehouse 41,200'],
  [{ inWarehouse: 41_000 }, {}, false, 'accepted 41,200 = rows 41,200 = clicks 41,200 ≠ warehouse 41,000'],
  [{ inWarehouse: undefined }, {}, false, 'accepted 41,200 = rows 41,200 = clicks 41,200 ≠ warehouse ?'],
  [
    { accepted: 41_201, ingested: 41_201 },
    { letters: 1 },
    true,
    'accepted 41,201 = ingested 41,201, rows 41,200 = clicks 41,200 = warehouse 41,200, 1 dead letter',
  ],
  [
    { accepted: 41_300 },
    { letters: 2 },
    false,
    'accepted 41,300 ≠ ingested 41,200, rows 41,200 = clicks 41,200 = warehouse 41,200, 2 dead letters',
  ],
])('compares %j with %j', (changed, others, equal, line) => {
  expect(compareFigures(clickstream, { ...figures, ...changed }, { ...found, ...others })).toEqual({
    equal,
    line,
  });
});

it('names a stream that is not the clickstream, and compares no clicks there', () => {
  const { line } = compareFigures(assetStream, figures, { clicks: undefined, letters: 0 });
  expect(line).toMatch(new RegExp(`^${assetStream.table}: accepted 41,200 = rows 41,200`));
});

it.each([
  [{}, undefined, []],
  [{ accepted: 41_320 }, 41_200, ['120 accepted events are not ingested']],
  [{ inWarehouse: 41_199 }, undefined, ['1 row is not in the warehouse']],
  [
    { accepted: 41_201, inWarehouse: 0 },
    41_000,
    [
      '1 accepted event is not ingested',
      '200 rows are not counted by the API',
      '41,200 rows are not in the warehouse',
    ],
  ],
  [{ inWarehouse: undefined }, undefined, ['the warehouse does not answer']],
  // This one is not behind, but too large.
  [{ inWarehouse: 41_201 }, 41_201, []],
])('says what is missing in %j, with %j clicks', (changed, clicks, words) => {
  expect(describeMissing(clickstream, { ...figures, ...changed }, clicks)).toEqual(words);
});
