import { createRequire } from 'node:module';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionOfKey } from '../../../src/lib/sources/partitionOfKey';
import { publishedKeyHashes } from '../../kit/publishedKeyHashes';

// The SDK keeps its own mapping, which the service documents nowhere else, inside the package.
const packageFile = createRequire(__filename).resolve('@azure/event-hubs/package.json');
const sdk: { mapPartitionKeyToId(key: string, count: number): number } = createRequire(packageFile)(
  join(packageFile, '../dist/commonjs/impl/partitionKeyToIdMapper.js'),
);

describe('partitionOfKey', () => {
  it.each(publishedKeyHashes)('hashes %s as the service does, as text or as bytes', (key, hash) => {
    expect(partitionOfKey(key, 40_000)).toBe(Math.abs(hash));
    expect(partitionOfKey(Buffer.from(key), 40_000)).toBe(Math.abs(hash));
  });

  it('agrees with the SDK for keys of every length and any script', () => {
    for (let length = 0; length < 60; length++)
      for (const count of [1, 2, 4, 5, 32, 1024]) {
        const key = 'ключ-7'.repeat(10).slice(0, length);
        expect(partitionOfKey(key, count)).toBe(sdk.mapPartitionKeyToId(key, count));
      }
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.integer({ min: 1, max: 2000 }),
        (key, count) => {
          expect(partitionOfKey(key, count)).toBe(sdk.mapPartitionKeyToId(key, count));
        },
      ),
      { numRuns: 5000 },
    );
  });
});
