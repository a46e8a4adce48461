import { globSync, readFileSync } from 'node:fs';
import { sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCircle, importsOf, withoutEnding, wrongImports } from './allowedImports';

const files = new Map(
  globSync('{src,local,bench,test}/**/*.{ts,mts,mjs}').map((path) => [
    path.replaceAll(sep, '/'),
    readFileSync(path, 'utf8'),
  ]),
);

describe('the imports of the project', () => {
  it('are all allowed by the table', () => {
    expect(files.size).toBeGreaterThan(300);
    expect([...files].flatMap(([path, text]) => wrongImports(path, text))).toEqual([]);
  });

  it('lead to no circle', () => {
    const imports = [...files].map(([path, text]): [string, string[]] => [
      withoutEnding(path),
      importsOf(path, text).flatMap((one) => one.file ?? []),
    ]);
    expect(findCircle(new Map(imports))).toBeUndefined();
  });
});

/** Statements that import `from`. */
const statements: Record<string, (from: string) => string> = {
  'an import': (from) => `import { a } from '${from}';`,
  'an import over several lines': (from) => `import b, {\n  a,\n  type C,\n} from '${from}';`,
  'an import with remarks': (from) =>
    `import {\n  a, // one; or = two, from 'here'\n  /* three; = */ b,\n} from '${from}';`,
  'an import of everything': (from) => `import * as all from '${from}';`,
  'an import of types': (from) => `import type { A } from '${from}';`,
  'an import without names': (from) => `import '${from}';`,
  'an export of what is imported': (from) => `export { a } from '${from}';`,
  'an import while running': (from) => `const a = async () => (await import('${from}')).a;`,
  'an import while running, in backticks': (from) =>
    `const a = async () => (await import(/* big */ \`${from}\`)).a;`,
  'the type of a module': (from) => `type A = typeof import('${from}');`,
  'a require': (from) => `const { a } = require('${from}');`,
};

describe.each(Object.entries(statements))('%s', (_, statement) => {
  const text = `import { join } from 'node:path';\n\n${statement('../storage/objectStore')}\n${statement('../ingest/round')}\n`;

  it('is refused if the table does not allow it, with a list of what is allowed', () => {
    expect(wrongImports('src/lib/delta/log.ts', text)).toEqual([
      'src/lib/delta/log.ts imports src/lib/ingest/round. src/lib/delta may import itself, src/lib/storage, the leaves.',
    ]);
  });

  it('is accepted if the table allows it', () => {
    expect(wrongImports('src/lib/app/ingest.ts', text)).toEqual([]);
  });
});

describe('the table', () => {
  it.each([
    ['src/lib/app.ts', '../../local/stack'],
    ['src/cli/verify.ts', '../../test/kit/peer'],
    ['src/functions/getClicks.ts', '../cli/clicks'],
    ['src/functions/getClicks.ts', '../lib/delta/log'],
    ['src/functions/getClicks.ts', '@azure/storage-blob'],
    ['src/cli/table.ts', '../functions/getClicks'],
    ['src/cli/table.ts', '@azure/functions'],
    ['src/lib/app.ts', 'durable-functions'],
    ['src/lib/app/lake.ts', '@azure/functions'],
    ['src/lib/ingest/round.ts', '../app'],
    ['src/lib/ingest/round.ts', '../app/lake'],
    ['src/lib/ingest/round.ts', '../counts/counts'],
    ['src/lib/ingest/round.ts', '@azure/storage-blob'],
    ['src/lib/ingest/round.ts', '@azure/event-hubs'],
    ['src/lib/health/health.ts', '../counts/counts'],
    ['src/lib/counts/counts.ts', '../warehouse/rebuild'],
    ['src/lib/maintenance/vacuum.ts', '../ingest/round'],
    ['src/lib/verify/verifyStream.ts', '../ingest/round'],
    ['src/lib/verify/verifyStream.ts', '../settings'],
    ['src/lib/warehouse/rebuild.ts', 'mssql'],
    ['src/lib/warehouse/duckdb/tables.ts', 'mssql'],
    ['src/lib/warehouse/synapse/tables.ts', '@duckdb/node-api'],
    ['src/lib/lake/rowAddress.ts', '../ingest/round'],
    ['src/lib/delta/log.ts', '../lake/rowAddress'],
    ['src/lib/delta/log.ts', '../streams/stream'],
    ['src/lib/delta/log.ts', '../settings'],
    ['src/lib/delta/log.ts', '@azure/storage-blob'],
    ['src/lib/storage/memoryStore.ts', '../delta/log'],
    ['src/lib/streams/stream.ts', '../delta/schema'],
    ['src/lib/errors.ts', './delta/log'],
    ['src/lib/deadline.ts', './settings'],
    ['src/lib/streams/stream.ts', '../sources/sendEvents'],
    ['src/lib/streams/stream.ts', '../sources/tides/client'],
    ['src/lib/sources/tides/settings.ts', './client'],
    ['local/tides/main.ts', '../stack'],
    ['local/broker/hub.ts', '../../src/lib/sources/partitionOfKey'],
    ['local/host/host.ts', '../../src/functions/getClicks'],
    ['local/stack.ts', '../test/kit/faultProxy'],
    ['local/run.mjs', 'rhea'],
    ['bench/counts.ts', '../test/interop/lake'],
    ['test/kit/peer.ts', '../interop/lake'],
    ['test/kit/peer.ts', '../../bench/clickRows'],
    ['test/lib/delta/log.test.ts', '../../../bench/clickRows'],
  ])('keeps %s from importing %s', (path, from) => {
    expect(wrongImports(path, statements['an import']?.(from) ?? '')).toHaveLength(1);
  });

  it.each([
    ['src/index.ts', '@azure/functions'],
    ['src/functions/wiring/registerIngest.ts', '../../lib/app'],
    ['src/lib/verify/compareWarehouse.ts', '../warehouse/warehouse'],
    ['src/lib/warehouse/synapse/tables.ts', '../warehouse'],
    ['src/lib/delta/parquet/read.ts', 'hyparquet/src/encoding.js'],
    ['src/lib/sources/hubClient.ts', '@azure/event-hubs'],
    ['src/lib/streams/stream.ts', '../errors'],
    ['src/lib/streams/tides.ts', '../sources/tides/settings'],
    ['src/lib/sources/tides/client.ts', './settings'],
    ['local/tides/main.ts', './waves'],
    ['local/tides/main.ts', '../../src/lib/sources/seededRandom'],
    ['src/lib/errors.ts', './deadline'],
    ['local/start.ts', '../src/lib/deadline'],
    ['local/host/main.ts', '../../src/cli/localSettings'],
    ['bench/counts.ts', '../test/kit/tds/tdsServer'],
    ['test/lib/delta/log.test.ts', '../../kit/countingStore'],
  ])('lets %s import %s', (path, from) => {
    expect(wrongImports(path, statements['an import']?.(from) ?? '')).toEqual([]);
  });

  it('must have a row for every folder', () => {
    expect(wrongImports('src/lib/alerts/follow.ts', '')).toEqual([
      'src/lib/alerts/follow.ts belongs to no row of the table in test/house/allowedImports.ts.',
    ]);
  });
});

it('finds a circle however long it is, and says by which way', () => {
  const imports = { a: ['b'], b: ['d', 'c'], c: ['e'], d: [], e: ['d', 'b'] };
  expect(findCircle(new Map(Object.entries(imports)))).toEqual(['b', 'c', 'e', 'b']);
  expect(findCircle(new Map(Object.entries({ ...imports, e: ['d'] })))).toBeUndefined();
});
