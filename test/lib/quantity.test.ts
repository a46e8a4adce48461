import { expect, it } from 'vitest';
import { count, quantity } from '../../src/lib/quantity';

it('says numbers as people read them, and nouns as the number asks', () => {
  expect([0, 1, 1204, Number.NaN].map(count)).toEqual(['0', '1', '1,204', '?']);
  expect([0, 1, 1204, Number.NaN].map((value) => quantity(value, 'row'))).toEqual([
    '0 rows',
    '1 row',
    '1,204 rows',
    '? rows',
  ]);
  expect([1, 2].map((value) => quantity(value, 'entry', 'entries'))).toEqual(['1 entry', '2 entries']);
});
