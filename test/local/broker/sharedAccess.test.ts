import { describe, expect, it } from 'vitest';
import { isGranted } from '../../../local/broker/sharedAccess';

const NOW = 1_000_000;

describe('isGranted', () => {
  it.each([
    ['hub', 'hub', true],
    ['hub', '/HUB/ConsumerGroups/$Default/Partitions/0', true],
    ['hub', 'amqp://host:5672/hub/Partitions/1', true],
    ['hub', 'hub2', false],
    ['hub/partitions/1', 'hub', false],
    ['hub/partitions/1', 'hub/Partitions/1', true],
    ['', 'any', true],
  ])('of a token for "%s", asked for "%s": %s', (path, address, granted) => {
    expect(isGranted([{ path, expires: NOW + 1 }], address, NOW)).toBe(granted);
  });

  it('grants nothing once the token has expired', () => {
    expect(isGranted([{ path: 'hub', expires: NOW }], 'hub', NOW)).toBe(false);
  });
});
