import { ParquetSchema } from 'parquetjs-lite';
import { type Add, type Metadata, markKey, type Protocol, type Remove, type Txn } from '../actions';
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

/**
 * Some 1 MB of actions before compression: the peak of memory, here and in readers. What of a larger group is alive while it
 * is decoded outlives young collections: with 4,096 rows, opening 100,000 files took 440 MB instead of 320.
 */
const rowGroupRows = 1024;

export interface EncodedCheckpoint {
  readonly bytes: Buffer;
  readonly numRows: number;
}

/** Encodes a classic single-file checkpoint; see CheckpointEncoder. */
export function encodeCheckpointRows(rows: Iterable<CheckpointRow>, mark?: string): EncodedCheckpoint {
  const encoder = new CheckpointEncoder();
  for (const row of rows) encoder.add(row);
  return encoder.finish(mark);
}

/**
 * Encodes a classic single-file checkpoint, one action after the other; a row group's worth is held. dataChange is written
 * as false, as Spark does: a checkpoint restates files, it changes none. Throws `parquet.value` naming the field when an
 * action holds a value that its column cannot.
 */
export class CheckpointEncoder {
  readonly #columns = Object.entries(checkpointShape).map(([name, shape]) => ({
    name,
    definition: fieldDefinition(shape),
    shredder: createShredder(shape, name),
  }));
  readonly #writer = new FileWriter(
    new ParquetSchema(Object.fromEntries(this.#columns.map(({ name, definition }) => [name, definition]))),
  );
  #numRows = 0;
  #pending = 0;

  add(row: CheckpointRow): void {
    const actions: Readonly<Record<string, unknown>> = restated(row);
    for (const { name, shredder } of this.#columns) shredder.add(actions[name], 0, 0);
    this.#numRows++;
    if (++this.#pending === rowGroupRows) this.#flush();
  }

  /** @param mark the mark of the log entry whose version this is a checkpoint of, where that is known */
  finish(mark?: string): EncodedCheckpoint {
    if (this.#pending > 0) this.#flush();
    const keyValues = new Map(mark === undefined ? [] : [[markKey, mark]]);
    return { bytes: this.#writer.finish(keyValues), numRows: this.#numRows };
  }

  #flush(): void {
    const chunks = this.#columns.flatMap(({ shredder }) => shredder.takeChunks());
    this.#writer.writeRowGroup(this.#pending, chunks);
    this.#pending = 0;
  }
}

function restated(row: CheckpointRow): CheckpointRow {
  if ('add' in row && row.add.dataChange) return { add: { ...row.add, dataChange: false } };
  if ('remove' in row && row.remove.dataChange) return { remove: { ...row.remove, dataChange: false } };
  return row;
}
