import type { WarehouseTable } from '../../streams/stream';
import { quoteName } from './literals';
import type { SqlClient } from './sqlClient';
import { heap, isColumn, type Layout, objectId } from './tables';

type Row = Record<string, unknown>;

/** How a table of a dedicated pool is stored and distributed, as far as a new table with the stream's columns can have the same. */
export interface FoundLayout {
  readonly layout: Layout;
  /** The properties that a new table cannot have, in sentences. */
  readonly lost: readonly string[];
}

/** An option of CREATE TABLE, and the columns that it names. */
interface Option {
  readonly text: string;
  readonly columns: readonly string[];
}

/** Reads rows about the table; `what` is a SELECT without its first word and its last condition. */
type Read = (what: string) => Promise<readonly Row[]>;

/** The layout of a table; undefined if there is no such table. */
export async function readLayout(client: SqlClient, table: WarehouseTable): Promise<FoundLayout | undefined> {
  const read: Read = async (what) =>
    (await client.batch(`SELECT ${what} object_id = ${objectId(table)};`)).rows;
  const columns = await read('name, column_id FROM sys.columns WHERE');
  const nameOf = (id: unknown) =>
    String(columns.find(({ column_id }) => Number(column_id) === Number(id))?.name);
  const distribution = await readDistribution(read, nameOf);
  if (!distribution) return undefined;
  const index = await readIndex(read, nameOf);
  const lost: string[] = [];
  const ifKnown = ({ text, columns: named }: Option, instead: string): string => {
    if (named.every((name) => isColumn(table, name))) return text;
    lost.push(
      `The table is kept as ${instead} and no more as ${text}, which names columns that are not the stream's.`,
    );
    return instead;
  };
  const layout = {
    distribution: ifKnown(distribution, heap.distribution),
    index: ifKnown(index, index.text.startsWith(columnstore) ? columnstore : heap.index),
  };
  const partitions = await read('partition_number FROM sys.partitions WHERE partition_number = 2 AND');
  if (partitions.length > 0) lost.push('The table has no partitions any more.');
  return { layout, lost };
}

async function readDistribution(read: Read, nameOf: (id: unknown) => string): Promise<Option | undefined> {
  const [found] = await read('distribution_policy_desc FROM sys.pdw_table_distribution_properties WHERE');
  if (!found) return undefined;
  const policy = String(found.distribution_policy_desc);
  if (policy !== 'HASH') return { text: policy, columns: [] };
  const hashed = await read(
    'column_id, distribution_ordinal FROM sys.pdw_column_distribution_properties WHERE',
  );
  const columns = inOrder(hashed, 'distribution_ordinal').map(({ column_id }) => nameOf(column_id));
  return { text: `HASH(${columns.map(quoteName).join(', ')})`, columns };
}

async function readIndex(read: Read, nameOf: (id: unknown) => string): Promise<Option> {
  const indexes = await read('name, type FROM sys.indexes WHERE');
  const types = new Set(indexes.map(({ type }) => Number(type)));
  if (types.has(5)) return readColumnstore(read, nameOf);
  if (!types.has(1)) return { text: heap.index, columns: [] };
  const keys = inOrder(
    await read('column_id, key_ordinal, is_descending_key FROM sys.index_columns WHERE index_id = 1 AND'),
    'key_ordinal',
  );
  const columns = keys.map(({ column_id }) => nameOf(column_id));
  const sorted = keys.map(
    ({ column_id, is_descending_key }) =>
      `${quoteName(nameOf(column_id))}${Number(is_descending_key) === 1 ? ' DESC' : ''}`,
  );
  return { text: `CLUSTERED INDEX (${sorted.join(', ')})`, columns };
}

const columnstore = 'CLUSTERED COLUMNSTORE INDEX';

async function readColumnstore(read: Read, nameOf: (id: unknown) => string): Promise<Option> {
  const found = await read(
    'column_id, column_store_order_ordinal FROM sys.index_columns WHERE index_id = 1 AND',
  );
  const columns = inOrder(found, 'column_store_order_ordinal').map(({ column_id }) => nameOf(column_id));
  const order = columns.length === 0 ? '' : ` ORDER (${columns.map(quoteName).join(', ')})`;
  return { text: `${columnstore}${order}`, columns };
}

/** The rows whose number is not 0, ordered by that number. */
const inOrder = (rows: readonly Row[], number: string) =>
  rows.filter((row) => Number(row[number]) > 0).sort((a, b) => Number(a[number]) - Number(b[number]));
