import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Members that TypeScript alone keeps private; a constructor cannot be kept private in another way. */
const declarations = /^.*\bprivate (?:readonly |static |async |get |set )*(?!constructor\b)\w+.*[;:{(,]/gm;

const found = (text: string) => text.match(declarations) ?? [];

it('private members of classes are #private', () => {
  const wrong = globSync('{src,local,bench,test}/**/*.ts', { exclude: ['test/house/**'] }).flatMap((path) =>
    found(withoutComments(readFileSync(path, 'utf8'))).map((line) => `${path}: ${line.trim()}`),
  );
  expect(wrong).toEqual([]);
});

it.each([
  '  private count = 0;',
  '  private readonly names: string[];',
  '  private async read(): Promise<void> {',
  '  constructor(private readonly options: Options) {}',
])('a member that is private in TypeScript alone is found: %s', (line) => {
  expect(found(line)).toHaveLength(1);
});

it.each(['  private constructor(options: Options) {', '  #count = 0;', "  'Cache-Control': 'no-cache',"])(
  'others are not: %s',
  (line) => {
    expect(found(line)).toEqual([]);
  },
);

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
