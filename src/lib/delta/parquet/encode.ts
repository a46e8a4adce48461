import { type FieldDefinition, ParquetSchema } from 'parquetjs-lite';
import { TributaryError } from '../../errors';
import { nextTurn, rowsPerTurn } from '../../nextTurn';
import { type ColumnValues, holdsOnlyNulls, valueAt } from '../columnValues';
import { type Field, isWritableType, type Value, type WritableType } from '../schema';
import { type ColumnBounds, mergeBounds, truncateMax, truncateMin } from '../statistics';
import { TextColumn } from '../textColumn';
import type { EncodedValues } from './columnSlice';
import { parquetTypes } from './columnTypes';
import { type Chunk, FileWriter } from './fileWriter';
import { encodeValues } from './plainValues';
import { encodeLevelRun, encodeLevels } from './rleHybrid';
import { valueProblem } from './validate';

export interface EncodeOptions {
  readonly fields: readonly Field[];
  /** The values of each field, all of one length. */
  readonly columns: readonly ColumnValues[];
  /** The most rows of a row group; 65,536 by default. */
  readonly maxRowGroupRows?: number;
  /** The most bytes of a row group before compression, 32 MiB by default. A single row that is larger makes a group of its own. */
  readonly maxRowGroupBytes?: number;
  /** The table's name, for error messages. */
  readonly where?: string;
}

export interface EncodedFile {
  readonly bytes: Buffer;
  readonly numRecords: number;
  /** The bounds of all columns, in the order of the fields. */
  readonly bounds: readonly ColumnBounds[];
}

/** How many bytes a value takes in PLAIN encoding. For text and bytes it is 4, which is the length in front of them. */
const plainBytes: Record<WritableType, number> = {
  string: 4,
  long: 8,
  integer: 4,
  short: 4,
  byte: 4,
  float: 4,
  double: 8,
  boolean: 1,
  binary: 4,
  date: 4,
  timestamp: 8,
};

/**
 * Encodes columns as one Parquet file with statistics. Throws `parquet.value` naming column and row when a value does not
 * fit its column, when columns differ in length, and when a field has a type that is not written.
 */
export function encodeParquet(options: EncodeOptions): EncodedFile {
  const steps = encodeRowGroups(options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Makes the same file, but lets other work go on between two pieces of it: a large round must not stop the process's heartbeats. */
export async function encodeParquetInSlices(options: EncodeOptions): Promise<EncodedFile> {
  const steps = encodeRowGroups(options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await nextTurn();
  }
}

/** Encodes a whole file. It yields where `ParquetEncoder.append` yields. */
function* encodeRowGroups(options: EncodeOptions): Generator<undefined, EncodedFile> {
  const encoder = new ParquetEncoder(options);
  yield* encoder.append(options.columns);
  return encoder.finish();
}

/** A column to encode. */
interface Source {
  readonly field: Field;
  readonly values: ColumnValues;
}

/** Encodes a file piece by piece. All encoded bytes are in memory, but not all rows. */
export class ParquetEncoder {
  readonly #options: Omit<EncodeOptions, 'columns'>;
  readonly #where: string;
  readonly #writer: FileWriter;
  readonly #bounds: ColumnBounds[];
  #numRecords = 0;

  constructor(options: Omit<EncodeOptions, 'columns'>) {
    this.#options = options;
    this.#where = options.where ?? 'new Parquet file';
    checkTypes(options.fields, this.#where);
    this.#writer = new FileWriter(parquetSchema(options.fields));
    this.#bounds = options.fields.map(() => ({ nullCount: 0 }));
  }

  /** How many bytes the file has so far. */
  get size(): number {
    return this.#writer.size;
  }

  /**
   * Encodes further rows, in new row groups. It yields between two row groups, and in a large one between two columns. Throws
   * `parquet.value`; after that the file cannot be finished.
   */
  *append(columns: EncodeOptions['columns']): Generator<undefined, void> {
    const { fields } = this.#options;
    checkColumns(fields, columns, this.#where);
    const sources = fields.map((field, index) => ({ field, values: columns[index] ?? [] }));
    const numRecords = columns[0]?.length ?? 0;
    let start = 0;
    for (const end of rowGroupEnds({ ...this.#options, columns }, numRecords)) {
      if (start > 0) yield;
      const rows = end - start;
      for (const _ of this.#writer.writeRowGroupInSteps(rows, this.#encodeGroup(sources, start, end)))
        if (rows >= rowsPerTurn) yield;
      this.#numRecords += rows;
      start = end;
    }
  }

  *#encodeGroup(sources: readonly Source[], start: number, end: number): Generator<Chunk, void> {
    for (const [index, { field, values }] of sources.entries()) {
      const reject = (row: number): never => rejectValue(field, valueAt(values, row), row, this.#where);
      const encoded = encodeValues({ field, values, start, end, reject });
      const before = this.#bounds[index] ?? { nullCount: 0 };
      this.#bounds[index] = mergeBounds(before, this.#numRecords, encoded.bounds, end - start);
      yield asChunk(field, encoded, end - start);
    }
  }

  finish(): EncodedFile {
    return { bytes: this.#writer.finish(), numRecords: this.#numRecords, bounds: this.#bounds };
  }
}

/**
 * The columns in the order of the fields. parquetjs-lite keeps them in an object, which would move a name such as "7" to the front, and
 * which cannot hold the name `__proto__`. So it gets numbers instead of names, which are replaced by the names afterwards.
 */
function parquetSchema(fields: readonly Field[]): ParquetSchema {
  const definitions = fields.map(({ type, nullable }, index): [string, FieldDefinition] => [
    `column ${index}`,
    { type: isWritableType(type) ? parquetTypes[type] : '', optional: nullable },
  ]);
  const schema = new ParquetSchema(Object.fromEntries(definitions));
  for (const [index, { name }] of fields.entries())
    Object.assign(schema.fieldList[index] ?? {}, { name, path: [name] });
  return schema;
}

function checkTypes(fields: readonly Field[], where: string): void {
  for (const { name, type } of fields) {
    if (isWritableType(type)) continue;
    const text = typeof type === 'string' ? type : type.type;
    throw new TributaryError(
      'parquet.value',
      `${where}: column ${name} has type ${text}, which is not written.`,
    );
  }
}

function checkColumns(fields: readonly Field[], columns: EncodeOptions['columns'], where: string): void {
  if (fields.length === 0 || fields.length !== columns.length) {
    throw new TributaryError(
      'parquet.value',
      `${where}: ${columns.length} columns of values for ${fields.length} fields; at least one, and as many of each, are needed.`,
    );
  }
  for (const [index, { name }] of fields.entries()) {
    if (columns[index]?.length !== columns[0]?.length) {
      throw new TributaryError(
        'parquet.value',
        `${where}: column ${name} has ${columns[index]?.length} values, the first column ${columns[0]?.length}.`,
      );
    }
  }
}

function rejectValue(field: Field, value: unknown, row: number, where: string): never {
  const problem = valueProblem(field, value) ?? 'the value does not fit';
  throw new TributaryError('parquet.value', `${where}: column ${field.name}, row ${row}: ${problem}.`);
}

/** For each row group, the row after its last one. The last entry is `numRecords`. */
function rowGroupEnds(options: EncodeOptions, numRecords: number): number[] {
  const { fields, columns, maxRowGroupRows = 65_536, maxRowGroupBytes = 32 * 1024 * 1024 } = options;
  let fixedBytes = 0;
  const varying: ColumnValues[] = [];
  for (const [index, { type }] of fields.entries()) {
    if (isWritableType(type)) fixedBytes += plainBytes[type];
    const values = columns[index] ?? [];
    const isVarying = type === 'string' || type === 'binary';
    if (isVarying && !holdsOnlyNulls(values)) varying.push(values);
  }
  const ends: number[] = [];
  let start = 0;
  let bytes = 0;
  for (let row = 0; row < numRecords; row++) {
    let rowBytes = fixedBytes;
    for (const values of varying) rowBytes += byteLength(values, row);
    if (row > start && (row - start >= maxRowGroupRows || bytes + rowBytes > maxRowGroupBytes)) {
      ends.push(row);
      start = row;
      bytes = 0;
    }
    bytes += rowBytes;
  }
  if (numRecords > 0) ends.push(numRecords);
  return ends;
}

function byteLength(values: ColumnValues, row: number): number {
  if (values instanceof TextColumn) return values.byteLength(row);
  const value = valueAt(values, row);
  if (typeof value === 'string') return Buffer.byteLength(value);
  return value instanceof Uint8Array ? value.length : 0;
}

function asChunk(field: Field, encoded: EncodedValues, rows: number): Chunk {
  const { bytes, bounds, levels, dictionary } = encoded;
  const { nullCount } = bounds;
  const [min, max] = encodeBounds(field, bounds);
  const chunk = { numValues: rows, nullCount, min, max, dictionary };
  if (!field.nullable) return { ...chunk, parts: [bytes] };
  const definition = levels ? encodeLevels(levels, 1) : encodeLevelRun(1, rows, 1);
  return { ...chunk, parts: [definition, bytes] };
}

/**
 * A row group's bounds in PLAIN encoding. Text is cut as in the Delta statistics. A bound of zero gets the sign that makes the range wider
 * (parquet.thrift, "ColumnOrder").
 */
function encodeBounds(field: Field, { min, max }: ColumnBounds): [Buffer | undefined, Buffer | undefined] {
  if (min === undefined || max === undefined) return [undefined, undefined];
  switch (field.type) {
    case 'string': {
      const upper = truncateMax(String(max));
      return [Buffer.from(truncateMin(String(min))), upper === undefined ? undefined : Buffer.from(upper)];
    }
    case 'float':
    case 'double':
      return [encodeBound(field, min === 0 ? -0 : min), encodeBound(field, max === 0 ? 0 : max)];
    default:
      return [encodeBound(field, min), encodeBound(field, max)];
  }
}

function encodeBound(field: Field, value: Value): Buffer {
  const reject = (): never => {
    throw new RangeError(`a bound of column ${field.name} is outside its type`);
  };
  return encodeValues({ field, values: [value], start: 0, end: 1, reject }).bytes;
}
