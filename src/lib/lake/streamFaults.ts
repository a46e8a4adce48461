import { isColumnName } from '../delta/schema';
import { isHubName, nameSigns } from '../hubNames';
import type { Stream } from '../streams/stream';
import { deadLettersTable } from './deadLetters';
import { tableFields } from './rowAddress';
import { warehouseFaults } from './warehouseFaults';

/** A part of a stream's definition that names a column, and what that column must be. */
interface Reference {
  readonly where: string;
  readonly column: string;
  readonly type?: string;
}

/**
 * The mistakes in the streams' definitions, one sentence each. The compiler does not compare the names in them, and a wrong name would
 * cause no error later: a column of the warehouse would stay null, or nothing would be counted.
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

/**
 * Names that would be refused later, without a good message: by the hub, as addresses of blobs or of the API, or as environment variables.
 */
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

/** Names of columns that are used twice. The columns of the row's address and of the rescued fields are added to every table. */
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

/** Columns that a list names twice. The values in such a list would get into the wrong places. */
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

/** Names that two streams share. Two streams with the same table, for example, would write into each other's rows. */
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
