import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/*
 * No six lines may stand in two places: code that two places need is written once, and called. Empty lines and indentation do not count,
 * and imports may be equal. Bicep and SQL are not checked, because resources and statements have to be written in full there.
 */

const runLength = 6;
/** Lines of brackets alone are equal in many places. A run with fewer other lines than this is not reported. */
const leastWords = 3;

interface Line {
  readonly text: string;
  /** Counted from 1. */
  readonly number: number;
}

/** The lines of a source that are not empty, without its imports. */
function linesOf(source: string): Line[] {
  const withoutImports = source.replace(/^import\b[^;]*;$/gm, (found) => found.replace(/[^\n]/g, ''));
  return withoutImports
    .split('\n')
    .map((text, index) => ({ text: text.trim(), number: index + 1 }))
    .filter(({ text }) => text !== '');
}

/** The places of equal runs, as pairs like `a.ts:3 = b.ts:17`. */
function equalRuns(sources: ReadonlyMap<string, string>): string[] {
  const places = new Map<string, string>();
  const found: string[] = [];
  for (const [path, source] of sources) {
    const lines = linesOf(source);
    for (const [index, { number }] of lines.entries()) {
      const texts = lines.slice(index, index + runLength).map(({ text }) => text);
      if (texts.length < runLength || texts.filter((text) => /\w/.test(text)).length < leastWords) continue;
      const key = texts.join('\n');
      const first = places.get(key);
      if (first === undefined) places.set(key, `${path}:${number}`);
      else found.push(`${first} = ${path}:${number}`);
    }
  }
  return found;
}

it('no six lines stand twice', () => {
  const paths = globSync('{src,local,bench,test}/**/*.{ts,mts,mjs}');
  expect(paths.length).toBeGreaterThan(300);
  expect(equalRuns(new Map(paths.map((path) => [path, readFileSync(path, 'utf8')])))).toEqual([]);
});

const six = ['a();', 'b();', 'c();', 'd();', 'e();', 'f();'];

it.each([
  ['within a file', { 'a.ts': [...six, 'g();', ...six] }, ['a.ts:1 = a.ts:8']],
  [
    'in two files, indented',
    { 'a.ts': six, 'b.ts': ['x();', '', ...six.map((line) => `  ${line}`)] },
    ['a.ts:1 = b.ts:3'],
  ],
  ['of five lines', { 'a.ts': six, 'b.ts': six.slice(1) }, []],
  [
    'of imports',
    {
      'a.ts': ['import {', ...six.map((line) => line.replace('();', ',')), "} from 'x';"],
      'b.ts': ['import {', ...six.map((line) => line.replace('();', ',')), "} from 'y';"],
    },
    [],
  ],
  [
    'of brackets',
    { 'a.ts': ['a();', '}', '}', '}', '}', '}'], 'b.ts': ['a();', '}', '}', '}', '}', '}'] },
    [],
  ],
])('a run %s', (_what, files, expected) => {
  const sources = new Map(Object.entries(files).map(([path, lines]) => [path, lines.join('\n')]));
  expect(equalRuns(sources)).toEqual(expected);
});
