import { isColumnName } from '../delta/schema';
import { isHubName, nameSigns } from '../hubNames';
import type { Stream } from '../streams/stream';
import { deadLettersTable } from './deadLetters';
import { tableFields } from './rowAddress';
import { warehouseFaults } from './warehouseFaults';

/** A column that a part of a stream's definition names, and what it must be. */
interface Reference {
  readonly where: string;
  readonly column: string;
  readonly type?: string;
}

/**
 * What is wrong with the streams' definitions, a sentence each. The compiler does not compare the names in them. A wrong one would
 * not be an error: a column of the warehouse would stay null, and nothing would be counted.
 */
export const streamFaults = (streams: readonly Stream[]): string[] => [
  ...streams.flatMap((stream) => [
    ...wrongNames(stream),
    ...takenNames(stream),
    ...unknownColumns(stream),
    ...repeatedColumns(stream),
    ...warehouseFaults(stream),
  ]),
  ...sharedNames(streams),
];

/** Names that something would refuse later in its own words: the hub, the address of a blob or of the API, the environment. */
function wrongNames({ name, hubSetting, table, columns }: Stream): string[] {
  const fault = (what: string, text: string, expected: string) =>
    `The stream ${name} has ${what} ${JSON.stringify(text)}, which is not accepted: expected ${expected}.`;
  return [
    ...(isHubName(name) ? [] : [fault('the name', name, `a name ${nameSigns}, because its hub has it too`)]),
    ...(/^[a-z]\w*$/i.test(hubSetting)
      ? []
      : [fault('the hubSetting', hubSetting, 'the name of a setting, like ORDERS_HUB')]),
    ...(table.split('/').every(isHubName)
      ? []
      : [fault('the table', table, `names ${nameSigns}, and / between folders`)]),
    ...columns
      .filter((column) => !isColumnName(column.name))
      .map((column) =>
        fault('the column', column.name, 'a name without blanks, line feeds and the signs , ; { } ( ) ='),
      ),
  ];
}

/** The names of columns that are there twice. Those of the row's address and of the rescued fields are added to every table. */
function takenNames(stream: Stream): string[] {
  const names = tableFields(stream).map(({ name }) => name);
  return repeated(names).map(
    (name) =>
      `The stream ${stream.name} has two columns of the name ${name} (upper and lower case are the same, and every table has the columns of docs/add-a-stream.md): give one another name.`,
  );
}

function unknownColumns(stream: Stream): string[] {
  const types = new Map(tableFields(stream).map(({ name, type }) => [name, type]));
  const known = (type?: string) => [...types.keys()].filter((name) => !type || types.get(name) === type);
  return referencesOf(stream)
    .filter(({ column, type }) => !known(type).includes(column))
    .map(({ where, column, type }) => {
      const kind = type ? ` of the type ${type}` : '';
      return `The stream ${stream.name} has no column ${column}${kind}, which ${where} names: expected one of ${known(type).join(', ')}.`;
    });
}

function referencesOf({ counted, latest, warehouse }: Stream): Reference[] {
  const references: Reference[] = [];
  const add = (where: string, columns: readonly string[] = []) =>
    references.push(...columns.map((column) => ({ where, column })));
  if (counted) {
    add('counted.key', [counted.key]);
    add('counted.attribute', [counted.attribute]);
    add('counted.dimensions', counted.dimensions);
  }
  if (latest) {
    add('latest.key', [latest.key]);
    references.push({ where: 'latest.asOf', column: latest.asOf, type: 'timestamp' });
    add('latest.columns', latest.columns);
    add('latest.history', latest.history);
  }
  for (const { name, from } of warehouse?.columns ?? []) add(`the warehouse's column ${name}`, [from]);
  return references;
}

/** The values of a column that a list names twice would stand in the wrong places. */
function repeatedColumns({ name, counted, latest }: Stream): string[] {
  const lists = {
    'counted.dimensions': counted?.dimensions,
    'latest.columns': latest?.columns,
    'latest.history': latest?.history,
  };
  return Object.entries(lists).flatMap(([where, columns = []]) =>
    repeated(columns).map(
      (column) => `The stream ${name} names the column ${column} twice in ${where}: name it once.`,
    ),
  );
}

/** Two streams of one table would write into each other's rows. */
function sharedNames(streams: readonly Stream[]): string[] {
  const warehouseTables = streams.flatMap(({ warehouse }) =>
    warehouse ? `${warehouse.schema}.${warehouse.name}` : [],
  );
  const kinds: [string, readonly string[]][] = [
    ['name', streams.map(({ name }) => name)],
    ['table', [deadLettersTable, ...streams.map(({ table }) => table)]],
    ['hubSetting', streams.map(({ hubSetting }) => hubSetting)],
    ['table of the warehouse', ['ops.load_ledger', 'ops.rejected_rows', ...warehouseTables]],
  ];
  return kinds.flatMap(([kind, names]) =>
    repeated(names).map(
      (name) => `The ${kind} ${name} is taken: two streams must not share it, give one of them another.`,
    ),
  );
}

/** The names that occur more than once, ignoring case. */
function repeated(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return names.filter((name) => {
    const isThere = seen.has(name.toLowerCase());
    seen.add(name.toLowerCase());
    return isThere;
  });
}
