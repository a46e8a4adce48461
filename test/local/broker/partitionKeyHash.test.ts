import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashPartitionKey, partitionOf } from '../../../local/broker/partitionKeyHash';
import { partitionOfKey } from '../../../src/lib/sources/partitionOfKey';
import { publishedKeyHashes } from '../../kit/publishedKeyHashes';

describe("the broker's hash of a partition key", () => {
  it.each(publishedKeyHashes)('of %s is the published one', (key, hash) => {
    expect(hashPartitionKey(Buffer.from(key))).toBe(hash);
  });

  it('chooses the partition without the sign of the hash', () => {
    expect(partitionOf(Buffer.from('7'), 4)).toBe(15263 % 4);
    expect(partitionOf(Buffer.from('131'), 32)).toBe(30562 % 32);
  });

  it('is 0 for a key without bytes', () => {
    expect(hashPartitionKey(Buffer.alloc(0))).toBe(0);
  });

  it('leads to the partition that the app expects, for keys of every length and any bytes', () => {
    for (let length = 0; length < 60; length++)
      for (const count of [1, 2, 4, 5, 32, 1024, 2000]) {
        const key = Buffer.from('ключ-7'.repeat(10)).subarray(0, length);
        expect(partitionOf(key, count)).toBe(partitionOfKey(key, count));
      }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.integer({ min: 1, max: 2000 }), (key, count) => {
        expect(partitionOf(key, count)).toBe(partitionOfKey(key, count));
      }),
      { numRuns: 20_000 },
    );
  });
});
