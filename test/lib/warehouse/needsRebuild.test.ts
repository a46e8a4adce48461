import { expect, it } from 'vitest';
import { describeUnfollowable } from '../../../src/lib/warehouse/needsRebuild';

it('each reason for a rebuild has a sentence of its own, with the version where that helps', () => {
  const reasons = ['made-again', 'rolled-back', 'cleaned', 'damaged'] as const;
  const told = reasons.map((because) => describeUnfollowable(because, 7));
  expect(told).toEqual([
    'the Delta table was made again and is another one',
    "the lake's storage went back in time: its version 7 is not the one that was loaded",
    'the log was cleaned: what follows version 7 is not in it any more',
    'the log after version 7 cannot be read',
  ]);
});
