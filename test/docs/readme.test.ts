import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

/*
 * Checks README.md and the other documents: their length, their links and the commands that they name.
 */

const documents = [...globSync('*.md'), ...globSync('docs/*.md'), ...globSync('.github/*.md')].sort();
/** The commands. That of CoinCap, which docs/add-a-stream.md allows to remove, may stay in the documents. */
const scripts: Readonly<Record<string, string>> = {
  coincap: 'node local/run.mjs node dist/src/cli/coincap.js',
  ...JSON.parse(readFileSync('package.json', 'utf8')).scripts,
};

const read = (path: string): string => readFileSync(path, 'utf8');

/** The text without code, because a link in code is not a link. */
const prose = (text: string): string =>
  text
    .replaceAll(/^```[\s\S]*?^```/gm, '')
    .replaceAll(/^ {4}.*$/gm, '')
    .replaceAll(/`[^`\n]*`/g, '');

/** The anchor that GitHub makes of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (path: string): string[] =>
  [...read(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

/** The problem with a link of a document; undefined if its target exists. */
function problemOf(document: string, link: string): string | undefined {
  const [file = '', anchor] = link.split('#');
  const path = file === '' ? document : join(dirname(document), file);
  if (!existsSync(path)) return `${link}: there is no ${path}`;
  if (anchor === undefined || anchorsOf(path).includes(anchor)) return undefined;
  return `${link}: ${path} has no heading ${anchor}`;
}

describe('README.md', () => {
  it('has at most 900 words', () => {
    expect(read('README.md').split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(900);
  });

  it('leads to every document', () => {
    const pages = globSync('docs/*.{md,yaml}');
    expect(pages.length).toBeGreaterThan(5);
    expect(pages.filter((page) => !read('README.md').includes(`](${page}`))).toEqual([]);
  });
});

describe.each(documents)('%s', (document) => {
  it('has no relative link that leads nowhere', () => {
    const links = [...prose(read(document)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    const relative = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(relative.flatMap((link) => problemOf(document, link) ?? [])).toEqual([]);
  });

  it('names only commands that package.json has', () => {
    const named = [...read(document).matchAll(/npm run ([a-z][\w:-]*)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

describe('docs/commands.md', () => {
  it('has a section for every command that a user runs', () => {
    const commands = Object.entries(scripts).flatMap(([name, script]) => {
      if (!script.startsWith('node local/run.mjs')) return [];
      return ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`;
    });
    const sections = [...read('docs/commands.md').matchAll(/^## (npm .+)$/gm)].map(([, title]) => title);
    expect(sections.sort()).toEqual(commands.sort());
  });
});
