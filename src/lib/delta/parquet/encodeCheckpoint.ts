import { ParquetSchema } from 'parquetjs-lite';
import { type Add, type Metadata, markKey, type Protocol, type Remove, type Txn } from '../actions';
import type { Field } from '../schema';
import { statisticsAsStruct, statisticsShape } from '../structStatistics';
import { FileWriter } from './fileWriter';
import { createShredder, fieldDefinition, type Shape, type Shredder } from './nested';
import type { StoredRowGroup } from './readSpan';

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
    // Live files have no deletion vector, but removed files may have one, from the time before deletion vectors were turned off.
    deletionVector: {
      storageType: 'string',
      pathOrInlineDv: 'string',
      offset: 'integer',
      sizeInBytes: 'integer',
      cardinality: 'long',
    },
  },
} as const satisfies Record<string, Shape>;

/**
 * The rows of a row group, about 1 MB of actions before compression. They are the peak of memory, here and in readers. In a larger group,
 * objects live so long while it is decoded that the garbage collector frees them late: with 4,096 rows, opening 100,000 files took 440 MB
 * instead of 320 MB.
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

export interface CheckpointOptions {
  /** The columns of the table, if the statistics of files are also to be written as structs. */
  readonly structOf?: readonly Field[];
  /** True to leave out the JSON of statistics that are written as structs. */
  readonly withoutJson?: boolean;
}

/**
 * Encodes a classic single-file checkpoint, one action after the other. At most a row group of them is held in memory. dataChange is
 * written as false, as Spark does, because a checkpoint restates files and changes none. Throws `parquet.value` naming the field when an
 * action has a value that its column cannot hold.
 */
export class CheckpointEncoder {
  readonly #structOf: readonly Field[] | undefined;
  readonly #withoutJson: boolean;
  readonly #columns: readonly { readonly name: string; readonly shredder: Shredder }[];
  readonly #writer: FileWriter;
  #numRows = 0;
  #pending = 0;

  constructor({ structOf = [], withoutJson = false }: CheckpointOptions = {}) {
    const struct = statisticsShape(structOf);
    this.#structOf = struct && structOf;
    this.#withoutJson = withoutJson && struct !== undefined;
    const add = { ...checkpointShape.add, ...(struct && { stats_parsed: struct }) };
    const shapes: [string, Shape][] = Object.entries({ ...checkpointShape, add });
    this.#columns = shapes.map(([name, shape]) => ({ name, shredder: createShredder(shape, name) }));
    const definitions = shapes.map(([name, shape]) => [name, fieldDefinition(shape)]);
    this.#writer = new FileWriter(new ParquetSchema(Object.fromEntries(definitions)));
  }

  add(row: CheckpointRow): void {
    const actions: Readonly<Record<string, unknown>> =
      'add' in row ? { add: this.#restatedAdd(row.add) } : restated(row);
    for (const { name, shredder } of this.#columns) shredder.add(actions[name], 0, 0);
    this.#numRows++;
    if (++this.#pending === rowGroupRows) this.#flush();
  }

  /**
   * Copies a row group of add actions from an earlier checkpoint. Its pages are neither unpacked nor packed again. Returns false, and does
   * nothing, if the actions must be added one by one. That is so for a small row group, so that small ones do not become many, and for a
   * row group of another writer, or of a writer with other options.
   */
  copy(stored: StoredRowGroup): boolean {
    if (stored.numRows < rowGroupRows / 2 || this.#structOf || !this.#writer.copyRowGroup(stored))
      return false;
    this.#numRows += stored.numRows;
    return true;
  }

  #restatedAdd(add: Add): object {
    if (!this.#structOf) return add.dataChange ? { ...add, dataChange: false } : add;
    const parsed = statisticsAsStruct(add, this.#structOf);
    // Statistics that have no struct keep their JSON, because otherwise they would be lost.
    const stats = this.#withoutJson && parsed ? undefined : add.stats;
    return { ...add, dataChange: false, stats, stats_parsed: parsed };
  }

  /** @param mark the mark of the log entry whose version this is a checkpoint of, if it is known */
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
  if ('remove' in row && row.remove.dataChange) return { remove: { ...row.remove, dataChange: false } };
  return row;
}
