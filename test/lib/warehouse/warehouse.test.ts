import { describe, expect, it } from 'vitest';
import { beginning } from '../../../src/lib/delta/position';
import { shadowOfSwap, shadowPrefix, swapping } from '../../../src/lib/warehouse/warehouse';
import { clicksAt } from './harness';

describe('the position of a table that is being replaced', () => {
  it('names its shadow, with the version and the mark to be reached', () => {
    const shadow = { ...clicksAt, schema: 'a.b', name: `${shadowPrefix(clicksAt)}7_0` };
    const position = swapping(shadow, { version: 7, mark: 'mark' });
    expect(position).toMatchObject({ version: 7, mark: 'mark' });
    expect(shadowOfSwap(position)).toBe(`a.b.${clicksAt.name}__rebuild_7_0`);
  });

  it('is that of no table that is not', () => {
    expect(shadowOfSwap(beginning)).toBeUndefined();
    expect(shadowOfSwap({ tableId: 'no swap: this' })).toBeUndefined();
  });
});
