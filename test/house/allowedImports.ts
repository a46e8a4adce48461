import { posix } from 'node:path';

/*
 * Which part of the project may import which. A part is a folder with its subfolders, or a file. It may import
 *
 * - itself, Node's own modules, and the leaves: every file directly in src/lib that has no row here (a leaf imports leaves alone),
 * - the parts in the second column, where a name stands for a part of src/lib unless it begins with src, local or test,
 * - the packages in the third column, where * stands for all.
 *
 * In the name of a part, * stands for the name of any one file or folder. A file belongs to the row with the longest name that fits.
 * Types count as well as values.
 */
const table = `
  part                       | may import                                                           | packages
  ---------------------------|----------------------------------------------------------------------|-----------------------------------------------------------------------------------
  src/index                  | app                                                                  | @azure/functions durable-functions
  src/functions              | app dashboard orchestrations streams sources/*/settings              | @azure/functions durable-functions
  src/cli                    | src/lib                                                              |
  src/lib/app                | src/lib                                                              |
  src/lib/orchestrations     | maintenance warehouse lake                                           |
  src/lib/doctor             | settings warehouse sources connections storage streams               |
  src/lib/health             | ingest warehouse lake delta storage streams                          |
  src/lib/dashboard          | api                                                                  |
  src/lib/dashboard/browser  |                                                                      | uplot
  src/lib/api                | counts latest lake streams                                           |
  src/lib/ingest             | lake delta storage sources streams connections                       |
  src/lib/counts             | fold lake delta storage streams                                      |
  src/lib/fold               | delta storage                                                        |
  src/lib/latest             | counts fold lake delta storage streams                               |
  src/lib/maintenance        | lake delta storage streams                                           |
  src/lib/connections        | streams storage/azureBlobStore identity                              |
  src/lib/identity           |                                                                      | @azure/identity
  src/lib/verify             | warehouse lake delta storage streams                                 |
  src/lib/warehouse          | lake delta storage streams                                           |
  src/lib/warehouse/synapse  | warehouse lake delta storage streams                                 | mssql
  src/lib/warehouse/duckdb   | warehouse lake delta storage streams                                 | @duckdb/node-api
  src/lib/lakeQuery          | warehouse/duckdb lake delta storage streams                          | @duckdb/node-api
  src/lib/lake               | delta storage streams                                                |
  src/lib/delta              | storage                                                              |
  src/lib/delta/parquet      | delta storage                                                        | hyparquet hyparquet-compressors parquetjs-lite
  src/lib/storage            | identity                                                             | @azure/storage-blob
  src/lib/sources            | streams connections identity                                         | @azure/event-hubs
  src/lib/sources/*/settings |                                                                      |
  src/lib/streams            | sources/*/settings                                                   |
  src/lib/settings           | connections streams storage/azureBlobStore warehouse/warehouseSetting |
  local                      | src/cli src/lib                                                      |
  local/build                | local/oneAtATime                                                     |
  local/run                  | local/oneAtATime                                                     |
  local/oneAtATime           |                                                                      |
  local/broker               |                                                                      | rhea
  local/broker/main          | local/broker src/cli/commandLine                                     |
  local/coincap/main         | local/coincap src/cli/commandLine                                    |
  local/host/main            | local/host src/cli/commandLine src/cli/localSettings                 |
  local/*/*                  | sources/seededRandom                                                 |
  local/durable              | local/host                                                           | @azure/storage-blob
  local/host                 | local/durable src/cli/localSettings sources/clientInternals sources/handleConnection | @azure/event-hubs @azure/functions-core @azure/identity @azure/storage-blob croner
  bench                      | src local test/kit                                                   | *
  test                       | src local                                                            | *
  test/kit                   | src local                                                            | *
`;

interface Rule {
  readonly part: string;
  readonly parts: readonly string[];
  readonly packages: readonly string[];
}

const leaves: Rule = { part: 'leaves', parts: [], packages: [] };
const rules: readonly Rule[] = table.trim().split('\n').slice(2).map(readRow);

function readRow(row: string): Rule {
  const [part = '', parts = '', packages = ''] = row.split('|').map((cell) => cell.trim());
  const words = (cell: string) => cell.split(/ +/).filter(Boolean);
  const inLib = (name: string) => (/^(src|local|test)\b/.test(name) ? name : `src/lib/${name}`);
  return { part, parts: words(parts).map(inLib), packages: words(packages) };
}

export interface Import {
  /** The name in the statement, like `../delta/log` or `mssql`. */
  readonly from: string;
  /** The file without its ending, as a path of the project; undefined for a package. */
  readonly file: string | undefined;
  /** Whether it is a type import, of which nothing remains in the compiled file. */
  readonly isType: boolean;
}

/** The imports, re-exports and requires of a file. Names that are computed at run time are not found. */
export function importsOf(path: string, text: string): Import[] {
  // The first part of a statement may have comments, in which any character may stand.
  const statements = text.matchAll(
    /^(?:import|export(?: type)? [{*])(?:(?:\/\/.*\n|\/\*[\s\S]*?\*\/|[^;=/])*?\bfrom)?\s*['"]([^'"]+)['"]/gm,
  );
  const calls = text.matchAll(
    /\b(?:import|require|require\.resolve)\(\s*(?:\/\*[\s\S]*?\*\/\s*)?['"`]([^'"`$]+)['"`]/g,
  );
  return [...statements, ...calls].map(([all, from = '']) => ({
    from,
    file: from.startsWith('.') ? withoutEnding(posix.join(posix.dirname(path), from)) : undefined,
    isType: /^(import|export) type\b/.test(all),
  }));
}

export const withoutEnding = (path: string): string => path.replace(/(\.d)?\.(ts|mts|js|mjs|json)$/, '');

/** One line for each import of a file that the table does not allow. Paths are the project's, with slashes. */
export function wrongImports(path: string, text: string): string[] {
  const rule = ruleOf(withoutEnding(path));
  if (!rule) return [`${path} belongs to no row of the table in test/house/allowedImports.ts.`];
  return importsOf(path, text)
    .filter((one) => !isAllowed(one, rule))
    .map(({ from, file }) => `${path} imports ${file ?? from}. ${inWords(rule)}`);
}

function ruleOf(file: string): Rule | undefined {
  if (isLeaf(file)) return leaves;
  const fitting = rules.filter(({ part }) => isWithin(file, part));
  return fitting.sort((a, b) => b.part.length - a.part.length)[0];
}

function isAllowed({ from, file }: Import, rule: Rule): boolean {
  if (file !== undefined)
    return isLeaf(file) || [rule.part, ...rule.parts].some((part) => isWithin(file, part));
  const name = from.split('/', from.startsWith('@') ? 2 : 1).join('/');
  return from.startsWith('node:') || rule.packages.includes('*') || rule.packages.includes(name);
}

function isWithin(file: string, part: string): boolean {
  const names = file.split('/');
  return part
    .split('/')
    .every((name, index) => name === names[index] || (name === '*' && index < names.length));
}

const isLeaf = (file: string): boolean =>
  /^src\/lib\/[^/]+$/.test(file) && !rules.some(({ part }) => part === file);

function inWords({ part, parts, packages }: Rule): string {
  if (part === leaves.part) return 'It is a leaf, which may import other leaves alone.';
  const named = packages.includes('*') ? ['any package'] : packages;
  return `${part} may import ${['itself', ...parts, 'the leaves', ...named].join(', ')}.`;
}

/** The first circle of imports, from a file back to itself; undefined if there is none. */
export function findCircle(imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const follow = (file: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of imports.get(file) ?? []) {
      const circle = follow(next, [...way, file]);
      if (circle) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const circle = follow(file, []);
    if (circle) return circle;
  }
  return undefined;
}
