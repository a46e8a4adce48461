import { ParquetSchema } from 'parquetjs-lite';
import type { Add, Metadata, Protocol, Remove, Txn } from '../actions';
import { FileWriter } from './fileWriter';
import { createShredder, fieldDefinition, type Shape } from './nested';

/** One action; each row of a checkpoint holds exactly one. */
export type CheckpointRow =
  | { readonly protocol: Protocol }
  | { readonly metaData: Metadata }
  | { readonly txn: Txn }
  | { readonly add: Add }
  | { readonly remove: Remove };

/** The columns of a classic checkpoint (PROTOCOL.md, "Checkpoint Schema") that tables of ours can fill. */
const checkpointShape = {
  protocol: {
    minReaderVersion: 'integer',
    minWriterVersion: 'integer',
    readerFeatures: 'list',
    writerFeatures: 'list',
  },
  metaData: {
    id: 'string',
    name: 'string',
    description: 'string',
    format: { provider: 'string', options: 'map' },
    schemaString: 'string',
    partitionColumns: 'list',
    configuration: 'map',
    createdTime: 'long',
  },
  txn: { appId: 'string', version: 'long', lastUpdated: 'long' },
  add: {
    path: 'string',
    partitionValues: 'map',
    size: 'long',
    modificationTime: 'long',
    dataChange: 'boolean',
    tags: 'map',
    stats: 'string',
  },
  remove: {
    path: 'string',
    deletionTimestamp: 'long',
    dataChange: 'boolean',
    extendedFileMetadata: 'boolean',
    partitionValues: 'map',
    size: 'long',
  },
} as const satisfies Record<string, Shape>;

/** Some 4 MB of actions before compression: the peak of memory, here and in readers. */
const rowGroupRows = 4096;

/**
 * Encodes a classic single-file checkpoint. Rows are taken one at a time and a row group's worth is held, so the actions
 * may come from a generator. dataChange is written as false, as Spark does: a checkpoint restates files, it changes none.
 * Throws `parquet.value` naming the field when an action holds a value that its column cannot.
 */
export function encodeCheckpointRows(rows: Iterable<CheckpointRow>): { bytes: Buffer; numRows: number } {
  const columns = Object.entries(checkpointShape).map(([name, shape]) => ({
    name,
    definition: fieldDefinition(shape),
    shredder: createShredder(shape, name),
  }));
  const writer = new FileWriter(
    new ParquetSchema(Object.fromEntries(columns.map(({ name, definition }) => [name, definition]))),
  );
  let numRows = 0;
  let pending = 0;
  const flush = () => {
    if (pending > 0)
      writer.writeRowGroup(
        pending,
        columns.flatMap(({ shredder }) => shredder.takeChunks()),
      );
    pending = 0;
  };
  for (const row of rows) {
    const actions: Readonly<Record<string, unknown>> = restated(row);
    for (const { name, shredder } of columns) shredder.add(actions[name], 0, 0);
    numRows++;
    if (++pending === rowGroupRows) flush();
  }
  flush();
  return { bytes: writer.finish(), numRows };
}

function restated(row: CheckpointRow): CheckpointRow {
  if ('add' in row) return { add: { ...row.add, dataChange: false } };
  if ('remove' in row) return { remove: { ...row.remove, dataChange: false } };
  return row;
}
