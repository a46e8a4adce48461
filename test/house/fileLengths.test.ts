import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/* A file holds one idea. A file with more lines than this seldom does. */
const mostLines = 300;

it(`no file has more than ${mostLines} lines`, () => {
  // Tests are left out: a file of cases may be long, and still have one idea.
  const paths = globSync('{src,local,bench,test/kit,test/chaos}/**/*.{ts,mjs}', {
    exclude: ['**/*.test.ts'],
  });
  expect(paths.length).toBeGreaterThan(300);
  const lines = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n').length;
  expect(paths.filter((path) => lines(path) > mostLines)).toEqual([]);
});
