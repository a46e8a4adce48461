import { beginning, type TablePosition } from '../../delta/position';
import type { WarehouseColumn, WarehouseTable, WarehouseType } from '../../streams/stream';
import { type ViewWords, viewText, type WarehouseView } from '../../streams/warehouseView';
import { textCollation } from '../codePage';
import { fullName } from '../warehouse';
import { quoteName, quoteText } from './literals';

/** `pool`: a dedicated SQL pool of Synapse. `server`: SQL Server or Azure SQL, where tables are heaps without an option. */
export type Dialect = 'pool' | 'server';

export const quoteTable = ({ schema, name }: Pick<WarehouseTable, 'schema' | 'name'>): string =>
  `${quoteName(schema)}.${quoteName(name)}`;

/** The id of a table in the system views; null if there is no such table. */
export const objectId = (table: Pick<WarehouseTable, 'schema' | 'name'>): string =>
  `OBJECT_ID(${quoteText(fullName(table))})`;

/** Whether a table that we make has a column with this name. */
export const isColumn = ({ identity, columns }: WarehouseTable, name: string): boolean =>
  [identity, ...columns.map((column) => column.name)].some(
    (one) => one?.toLowerCase() === name.toLowerCase(),
  );

export const ledgerTable = 'ops.load_ledger';
export const rejectsTable = 'ops.rejected_rows';

/** A type in the form that columns of our tables have. */
export const columnType = (type: WarehouseType): string =>
  type.startsWith('varchar') ? `${type} COLLATE ${textCollation}` : type;

/** How a dedicated pool stores and distributes a table, as options of CREATE TABLE. */
export interface Layout {
  readonly distribution: string;
  readonly index: string;
}

export const heap: Layout = { distribution: 'ROUND_ROBIN', index: 'HEAP' };

function createWith(name: string, columns: readonly string[], dialect: Dialect, layout = heap): string {
  const options = dialect === 'pool' ? ` WITH (DISTRIBUTION = ${layout.distribution}, ${layout.index})` : '';
  return `CREATE TABLE ${name} (\n  ${columns.join(',\n  ')}\n)${options}`;
}

export function createTable(table: WarehouseTable, dialect: Dialect, layout?: Layout): string {
  const columns = [
    ...(table.identity === undefined ? [] : [`${quoteName(table.identity)} bigint IDENTITY(1,1)`]),
    ...table.columns.map(({ name, type }) => `${quoteName(name)} ${columnType(type)}`),
  ];
  return createWith(quoteTable(table), columns, dialect, layout);
}

/** Creates a heap with the columns that a load fills, into which COPY puts the rows. */
export const createStage = (stage: WarehouseTable, dialect: Dialect): string => {
  const { identity: _, ...rest } = stage;
  return createTable(rest, dialect);
};

/** The mark of a position, and the version that it was written with. */
const markColumns = ['last_mark varchar(64) NULL', 'mark_version bigint NULL'];

const createLedger = (dialect: Dialect) =>
  createWith(
    ledgerTable,
    [
      // A dedicated pool enforces no keys.
      `table_name varchar(255) NOT NULL${dialect === 'pool' ? '' : ' PRIMARY KEY'}`,
      'delta_id varchar(255) NOT NULL',
      'last_version bigint NOT NULL',
      'batch_token varchar(36) NOT NULL',
      ...markColumns,
    ],
    dialect,
  );

const createRejects = (dialect: Dialect) =>
  createWith(
    rejectsTable,
    [
      'table_name varchar(255) NOT NULL',
      'hub_created_at datetime2(6) NOT NULL',
      'hub_partition int NOT NULL',
      'sequence_number bigint NOT NULL',
      'element int NOT NULL',
      'reason varchar(400) NOT NULL',
      'row_json nvarchar(max) NOT NULL',
    ],
    dialect,
  );

export const existsTable = (name: string): string =>
  `EXISTS (SELECT * FROM sys.objects WHERE object_id = OBJECT_ID(${quoteText(name)}))`;

export const dropIfExists = (table: Pick<WarehouseTable, 'schema' | 'name'>): string =>
  `IF ${existsTable(fullName(table))} DROP TABLE ${quoteTable(table)};`;

/**
 * Adds the columns of marks to a ledger of an earlier release. Both are added at once, so that one never exists without the other.
 */
export const addMarkColumns = `IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID(${quoteText(ledgerTable)}) AND name = 'mark_version') ALTER TABLE ${ledgerTable} ADD ${markColumns.join(', ')};`;

/** Gives a ledger of an earlier release the key that a new one has; for engines that enforce keys. */
export const addLedgerKey = `IF NOT EXISTS (SELECT * FROM sys.indexes WHERE object_id = OBJECT_ID(${quoteText(ledgerTable)}) AND is_primary_key = 1) ALTER TABLE ${ledgerTable} ADD PRIMARY KEY (table_name);`;

/** Adds a column to a table if it is missing. It is null in existing rows. */
export const addColumn = (table: WarehouseTable, { name, type }: WarehouseColumn): string =>
  `IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID(${quoteText(fullName(table))}) AND name = ${quoteText(name)}) ALTER TABLE ${quoteTable(table)} ADD ${quoteName(name)} ${columnType(type)} NULL;`;

const ifMissing = (name: string, statement: string) => `IF NOT ${existsTable(name)} ${statement};`;

// A CREATE SCHEMA must be alone in its batch; EXEC gives it one.
const createSchema = (schema: string) =>
  `IF NOT EXISTS (SELECT * FROM sys.schemas WHERE name = ${quoteText(schema)}) EXEC(${quoteText(`CREATE SCHEMA ${quoteName(schema)}`)});`;

/**
 * Adds a row to the ledger if it is missing. The UPDATE changes nothing, but takes a lock on the ledger of a dedicated pool. That ledger
 * has no key, so without the lock two processes could both add the row. The ledger must have the columns for marks if the position has a
 * mark.
 */
export function addToLedger(name: string, { tableId, version, mark }: TablePosition): string {
  const [names, values] =
    mark === undefined ? ['', ''] : [', last_mark, mark_version', `, ${quoteText(mark)}, ${version}`];
  return `BEGIN TRANSACTION;
UPDATE ${ledgerTable} SET last_version = last_version WHERE table_name = ${quoteText(name)};
INSERT INTO ${ledgerTable} (table_name, delta_id, last_version, batch_token${names}) SELECT ${quoteText(name)}, ${quoteText(tableId)}, ${version}, ''${values} WHERE NOT EXISTS (SELECT * FROM ${ledgerTable} WHERE table_name = ${quoteText(name)});
COMMIT;`;
}

/** Creates the tables of the ledger and of rejected rows if they are missing. An older ledger also needs `addMarkColumns`. */
export const opsScript = (dialect: Dialect): string[] => [
  createSchema('ops'),
  ifMissing(ledgerTable, createLedger(dialect)),
  ifMissing(rejectsTable, createRejects(dialect)),
];

const viewWords = (table: WarehouseTable): ViewWords => ({
  table: quoteTable(table),
  count: 'COUNT_BIG(*)',
  milliseconds: 'DATEDIFF_BIG(millisecond, ',
});

/** The statement of a view, which must be alone in its batch. */
export const createView = (table: WarehouseTable, view: WarehouseView): string =>
  `CREATE VIEW ${quoteTable({ ...table, name: view.name })} AS\n${viewText(view, viewWords(table))}`;

/**
 * Creates the views on a table, unless something with their names exists, which may be people's work. The table must have all columns. EXEC
 * takes only constants, so the text of a view is one, with its line breaks.
 */
export const viewScript = (table: WarehouseTable): string[] =>
  (table.views ?? []).map((view) =>
    ifMissing(
      fullName({ ...table, name: view.name }),
      `EXEC('${createView(table, view).replaceAll("'", "''")}')`,
    ),
  );

/**
 * Sets a table that somebody dropped back to the beginning: once it is made again, it has no rows, so all have to be loaded. A row of the
 * ledger with a colon in its `delta_id` stays as it is, because a shadow is taking the table's place. The first UPDATE changes nothing, but
 * locks the row: another process may have made the table again, and it must not load rows between the question and the answer to it.
 */
function forgetDropped(name: string): string {
  const ofTable = `table_name = ${quoteText(name)}`;
  return `BEGIN TRANSACTION;
UPDATE ${ledgerTable} SET last_version = last_version WHERE ${ofTable};
IF NOT ${existsTable(name)} BEGIN
UPDATE ${ledgerTable} SET delta_id = ${quoteText(beginning.tableId)}, last_version = ${beginning.version} WHERE ${ofTable} AND delta_id NOT LIKE '%:%';
DELETE FROM ${rejectsTable} WHERE ${ofTable};
END;
COMMIT;`;
}

/** Creates a table and its row in the ledger if they are missing. An older table also needs `addColumn`. */
export const tableScript = (table: WarehouseTable, dialect: Dialect): string[] => [
  createSchema(table.schema),
  forgetDropped(fullName(table)),
  ifMissing(fullName(table), createTable(table, dialect)),
  addToLedger(fullName(table), beginning),
];

const poolScriptHead = `-- The tables of a dedicated SQL pool, made where they are missing, and the columns that tables of an earlier version lack:
-- what "npm run warehouse -- init" runs.
-- "npm run warehouse -- script" prints it.
-- Not run on a real dedicated SQL pool: the server of the project's tests ran it, which follows Microsoft's documentation.
`;

/** The file `deploy/sql/warehouse.sql`, with these tables. */
export const poolScript = (tables: readonly WarehouseTable[]): string =>
  `${poolScriptHead}\n${wholeScript(tables, 'pool')}`;

/** All these statements as one script for sqlcmd, SSMS or Synapse Studio. It can be run repeatedly. */
export const wholeScript = (tables: readonly WarehouseTable[], dialect: Dialect): string =>
  [
    ...opsScript(dialect),
    addMarkColumns,
    ...tables.flatMap((table) => [
      ...tableScript(table, dialect),
      table.columns.map((column) => addColumn(table, column)).join('\n'),
      ...viewScript(table),
    ]),
  ]
    .map((statement) => `${statement}\nGO\n`)
    .join('\n');
