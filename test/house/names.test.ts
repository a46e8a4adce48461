import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/*
 * What Event Hubs has keeps the names and types of its SDK, and rows keep theirs. .github/CONTRIBUTING.md says which these are.
 */

const names = [
  {
    rule: 'partitionId is a text, and partition a number',
    wrong: /\bpartition(\??: string| = '[^']*'[,)])|\bpartitionId\??: number\b/,
    // The answer of GET /api/health calls the id `partition`.
    published: ['src/lib/health/health.ts', 'src/lib/health/streamProgress.ts'],
  },
  {
    rule: 'createdOn is a date',
    wrong: /\bcreatedOn\??: (string|number)\b/,
    // In the JSON of the broker's stats it is a text.
    published: ['local/figures.ts'],
  },
  {
    rule: 'hubCreatedAt is a number of microseconds',
    wrong: /\bhubCreatedAt\??: (string|Date)\b/,
    published: [],
  },
  {
    rule: 'sequenceNumber is called by its whole name',
    wrong: /\b(\w+S|s)equences?\??: (number|bigint)\b|\.#?(\w+S|s)equences?\b/,
    published: [],
  },
];

it.each(names)('$rule', ({ wrong, published }) => {
  const paths = globSync('{src,local,bench,test}/**/*.ts').map((path) => path.replaceAll('\\', '/'));
  const found = paths.filter((path) => wrong.test(readFileSync(path, 'utf8')));
  expect(found.filter((path) => !published.some((each) => each === path))).toEqual([]);
});
