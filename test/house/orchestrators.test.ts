import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importsOf } from './allowedImports';

/*
 * An orchestrator is begun anew for each result, so it must do the same each time: it may not read a clock, make random numbers, or do
 * I/O.
 */

const forbidden =
  /\b(Date|Math\.random|crypto|performance|process|global|globalThis|console|fetch|require|async|await|Promise|set(Timeout|Interval|Immediate)|queueMicrotask|Intl|WeakRef)\b/g;

/** Forbidden words in a file of orchestrators, and forbidden imports: all but types and other files of orchestrators. */
function offences(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const imported = importsOf('src/lib/orchestrations/one.ts', text).filter(
    ({ file, isType }) => !isType && !file?.startsWith('src/lib/orchestrations/'),
  );
  return [...code.matchAll(forbidden)].map(([word]) => word).concat(imported.map(({ from }) => from));
}

it.each(globSync('src/lib/orchestrations/**/*.ts'))('%s does the same each time it is begun anew', (path) => {
  expect(offences(readFileSync(path, 'utf8'))).toEqual([]);
});

describe('an orchestrator', () => {
  it.each([
    ['reads the clock', 'const now = Date.now();', ['Date']],
    ['makes a random number', 'const id = Math.random();', ['Math.random']],
    ['waits by itself', 'setTimeout(() => {}, 5);', ['setTimeout']],
    ['is asynchronous', 'export async function* run() {}', ['async']],
    ['imports a package of Node', "import { readFileSync } from 'node:fs';", ['node:fs']],
    [
      'imports code that may do I/O',
      "import { openSnapshot } from '../delta/openTable';",
      ['../delta/openTable'],
    ],
  ])('is refused if it %s', (_, text, found) => {
    expect(offences(text)).toEqual(found);
  });

  it('may import types, and other files of orchestrators', () => {
    expect(
      offences("import type { Add } from '../delta/actions';\nimport { wait } from './orchestration';\n"),
    ).toEqual([]);
  });
});
