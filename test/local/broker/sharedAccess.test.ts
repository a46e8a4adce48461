import { describe, expect, it } from 'vitest';
import { type Grant, isGranted } from '../../../local/broker/sharedAccess';

const now = 1_000_000;

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
    const grant: Grant = { path, expires: now + 1, rights: ['listen'] };
    expect(isGranted([grant], { address, right: 'listen' }, now)).toBe(granted);
    expect(isGranted([grant], { address, right: 'send' }, now)).toBe(false);
  });

  it('grants nothing once the token has expired', () => {
    const grant: Grant = { path: 'hub', expires: now, rights: ['listen'] };
    expect(isGranted([grant], { address: 'hub', right: 'listen' }, now)).toBe(false);
  });
});
