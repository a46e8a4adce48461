import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/*
 * Documents name files and folders of the project in backticks. A file that moves must take its mentions along.
 */

const documents = ['ARCHITECTURE.md', '.github/CONTRIBUTING.md', ...globSync('docs/*.md')].sort();

/** Files that documents make up as examples. */
const examples = [
  'src/lib/streams/orders.ts',
  'src/functions/ingestOrders.ts',
  'src/lib/foo/bar.ts',
  'test/lib/foo/bar.test.ts',
];

const [, removal = ''] = readFileSync('docs/add-a-stream.md', 'utf8').split('## Remove a stream');

/** The files of CoinCap, which docs/add-a-stream.md allows to delete. They may be named all the same. */
const removable = [...removal.matchAll(/^- `([^`]+)`$/gm)].map(([, path = '']) => path);

/** The paths that a document names in backticks: words that begin with a folder of the project. */
const pathsOf = (document: string): string[] => {
  const text = readFileSync(document, 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '');
  const quoted = [...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = '']) => code.split(' '));
  return quoted.filter((word) => /^(\.github|bench|deploy|docs|local|src|test)\/[\w./-]*$/.test(word));
};

const isMissing = (path: string): boolean =>
  !existsSync(path) && !examples.includes(path) && !removable.some((one) => path.startsWith(one));

describe('paths in documents', () => {
  it.each(documents)('%s names only files and folders that exist', (document) => {
    expect(pathsOf(document).filter(isMissing)).toEqual([]);
  });

  it('are found in backticks', () => {
    expect(pathsOf('ARCHITECTURE.md')).toContain('src/lib/delta/follow.ts');
    expect(pathsOf('docs/commands.md').length + pathsOf('docs/errors.md').length).toBeGreaterThan(0);
    expect(removable).toContain('src/lib/streams/coincap.ts');
    expect(isMissing('src/lib/app.ts')).toBe(true);
  });
});

describe('ARCHITECTURE.md', () => {
  it('tells the walk of one event in the order of trigger, ingestion, log, counts and warehouse', () => {
    const paths = pathsOf('ARCHITECTURE.md');
    const stations = [
      'src/functions/ingestClickstream.ts',
      'src/lib/ingest/ingestBatch.ts',
      'src/lib/delta/commit.ts',
      'src/lib/counts/foldLog.ts',
      'src/lib/warehouse/tableLoader.ts',
    ].map((path) => paths.indexOf(path));
    expect(stations).not.toContain(-1);
    expect(stations).toEqual([...stations].sort((a, b) => a - b));
  });
});
