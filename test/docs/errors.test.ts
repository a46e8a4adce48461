import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../src/lib/errors';

/** A code's section of docs/errors.md. */
interface Section {
  readonly code: string;
  readonly meaning: string;
  readonly passes: string;
  readonly cause: string;
  readonly remedy: string;
}

const part = (section: string, name: string): string =>
  new RegExp(`^- \\*\\*${name}:\\*\\* ([\\s\\S]+?)(?=\\n- \\*\\*|\\n\\n|\\n*$)`, 'm').exec(section)?.[1] ??
  '';

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

const sections: readonly Section[] = readFileSync('docs/errors.md', 'utf8')
  .split(/^#{2,3} /m)
  .flatMap((section) => {
    const [, code, text = ''] = /^`([^`]+)`\n([\s\S]*)/.exec(section) ?? [];
    if (code === undefined) return [];
    return {
      code,
      meaning: oneLine(text.split(/^- /m)[0] ?? ''),
      passes: part(section, 'Passes by itself'),
      cause: part(section, 'Cause'),
      remedy: part(section, 'Remedy'),
    };
  });

/** The comment above each code in src/lib/errors.ts. */
const comments = new Map(
  [
    ...readFileSync('src/lib/errors.ts', 'utf8').matchAll(
      /\/\*\* ([^\n]+) \*\/\n {2}'([^']+)': \{ retriable/g,
    ),
  ].map(([, comment, code]) => [code, comment]),
);

it('every code is thrown somewhere', () => {
  const sources = globSync('src/**/*.ts').filter(
    (path) => !path.replaceAll('\\', '/').endsWith('src/lib/errors.ts'),
  );
  const text = sources.map((path) => readFileSync(path, 'utf8')).join('\n');
  const unused = Object.keys(errorCodes).filter((code) => !text.includes(`'${code}'`));
  // The sources that are asked for events may be gone, as docs/add-a-stream.md allows for CoinCap.
  const isThere = existsSync('src/lib/sources/coincap');
  expect(unused.filter((code) => isThere || !code.startsWith('source.'))).toEqual([]);
});

describe('docs/errors.md', () => {
  it('has a section for every code of src/lib/errors.ts, in its order, and for no other', () => {
    expect(sections.map(({ code }) => code)).toEqual(Object.keys(errorCodes));
  });

  it('has no heading for a code that there is not, with backticks or without', () => {
    const titles = [...readFileSync('docs/errors.md', 'utf8').matchAll(/^#+ `?([a-z]+\.[a-z]+)`?$/gm)];
    expect(titles.map(([, title]) => title)).toEqual(Object.keys(errorCodes));
  });

  it.each(Object.entries(errorCodes))(
    'describes %s with the same sentence as src/lib/errors.ts',
    (code, { retriable }) => {
      const section = sections.find((each) => each.code === code);
      expect(section?.meaning).toBe(comments.get(code));
      expect(section?.passes).toBe(retriable ? 'yes' : 'no');
    },
  );

  it.each(sections)('names a cause and a remedy of $code', ({ cause, remedy }) => {
    expect(cause.length).toBeGreaterThan(30);
    expect(remedy.length).toBeGreaterThan(20);
  });
});
