import { expect, it } from 'vitest';
import { accepts, type VersionStrategy } from '../../../local/durable/durableTaskOptions';

it.each<[VersionStrategy, string | undefined, string | undefined, boolean]>([
  ['CurrentOrOlder', '1.2', '1.2', true],
  ['CurrentOrOlder', '1.10', '1.9', true],
  ['CurrentOrOlder', '1.9', '1.10', false],
  ['CurrentOrOlder', '1', '1.0.1', false],
  ['CurrentOrOlder', '2', '1.9.9', true],
  ['CurrentOrOlder', '1', undefined, true],
  ['CurrentOrOlder', undefined, '7', true],
  ['CurrentOrOlder', 'blue', 'amber', true],
  ['CurrentOrOlder', 'amber', 'blue', false],
  ['Strict', '1.2', '1.2', true],
  ['Strict', '1.2', '1.1', false],
  ['Strict', '1.2', undefined, false],
  ['None', '1.0', '2.0', true],
])(
  'with the strategy %s, a host of version %s goes on with version %s: %s',
  (strategy, own, other, expected) => {
    expect(accepts(strategy, own, other)).toBe(expected);
  },
);
