import type { FieldDefinition } from 'parquetjs-lite';
import { TributaryError } from '../../errors';
import { ColumnBuilder } from '../columnBuilder';
import { valueAt } from '../columnValues';
import { field, type Value, type WritableType } from '../schema';
import { parquetTypes } from './columnTypes';
import type { Chunk } from './fileWriter';
import { encodeValues } from './plainValues';
import { encodeLevels } from './rleHybrid';
import { valueProblem } from './validate';

/** The type of a nested column. All its nodes are optional. Maps and lists hold text. */
export type Shape = WritableType | 'map' | 'list' | { readonly [name: string]: Shape };

const text: FieldDefinition = { type: 'UTF8' };

/** A shape as parquetjs-lite wants it (parquet-format, LogicalTypes.md, "Nested Types"). */
export function fieldDefinition(shape: Shape): FieldDefinition {
  if (shape === 'map') {
    const fields = { key: { ...text }, value: { ...text, optional: true } };
    return { type: 'MAP', optional: true, fields: { key_value: { repeated: true, fields } } };
  }
  if (shape === 'list') {
    const list = { repeated: true, fields: { element: { ...text, optional: true } } };
    return { type: 'LIST', optional: true, fields: { list } };
  }
  if (typeof shape === 'string') return { type: parquetTypes[shape], optional: true };
  const fields = Object.entries(shape).map(([name, child]) => [name, fieldDefinition(child)]);
  return { optional: true, fields: Object.fromEntries(fields) };
}

/**
 * Takes a nested column's values apart into leaf columns with definition and repetition levels, one row after the other
 * (the Dremel paper's record shredding; parquet-format, README.md, "Nested Encoding").
 */
export interface Shredder {
  /** Adds a value. `definition` counts the ancestors that are present, and `repetition` is 0 at the start of a row. */
  add(value: unknown, definition: number, repetition: number): void;
  /** Returns the pages of the leaves, in the order of the schema, and starts anew for the next row group. */
  takeChunks(): Chunk[];
}

/** `path` names the column in errors; `depth` is the definition level of the parent. */
export function createShredder(shape: Shape, path: string, depth = 0): Shredder {
  if (shape === 'map') return new MapShredder(path, depth);
  if (shape === 'list') return new ListShredder(path, depth);
  if (typeof shape === 'string') return new LeafShredder(path, shape, depth + 1, 0);
  return new StructShredder(shape, path, depth);
}

/** The levels of one leaf. The pages of a checkpoint have about ten thousand of them. */
class Levels {
  #bytes = new Uint8Array(1024);
  #length = 0;

  push(level: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = level;
  }

  take(max: number): Buffer {
    const encoded = encodeLevels(this.#bytes.subarray(0, this.#length), 32 - Math.clz32(max));
    this.#length = 0;
    return encoded;
  }
}

class LeafShredder implements Shredder {
  readonly #path: string;
  readonly #type: WritableType;
  readonly #maxDefinition: number;
  readonly #maxRepetition: number;
  readonly #definitions = new Levels();
  readonly #repetitions = new Levels();
  #values: ColumnBuilder;
  #count = 0;

  constructor(path: string, type: WritableType, maxDefinition: number, maxRepetition: number) {
    this.#path = path;
    this.#type = type;
    this.#maxDefinition = maxDefinition;
    this.#maxRepetition = maxRepetition;
    this.#values = new ColumnBuilder(type);
  }

  add(value: unknown, definition: number, repetition: number): void {
    this.#count++;
    this.#repetitions.push(repetition);
    if (value === undefined || value === null) {
      this.#definitions.push(definition);
      return;
    }
    this.#definitions.push(this.#maxDefinition);
    // A lone surrogate is replaced. Otherwise one in a single action would keep the table from ever having a checkpoint again.
    this.#values.push(typeof value === 'string' ? value.toWellFormed() : (value as Value));
  }

  takeChunks(): Chunk[] {
    const values = this.#values.finish();
    const numValues = this.#count;
    const leaf = field(this.#path, this.#type, false);
    const reject = (row: number): never => {
      const problem = valueProblem(leaf, valueAt(values, row));
      throw new TributaryError('parquet.value', `checkpoint: ${this.#path}, value ${row}: ${problem}.`);
    };
    const { bytes, dictionary } = encodeValues({
      field: leaf,
      values,
      start: 0,
      end: values.length,
      reject,
      needsBounds: false,
    });
    const repetitions = this.#repetitions.take(this.#maxRepetition);
    const definitions = this.#definitions.take(this.#maxDefinition);
    const parts = this.#maxRepetition > 0 ? [repetitions, definitions, bytes] : [definitions, bytes];
    this.#values = new ColumnBuilder(this.#type);
    this.#count = 0;
    return [{ numValues, nullCount: numValues - values.length, parts, dictionary }];
  }
}

class StructShredder implements Shredder {
  readonly #children: readonly (readonly [string, Shredder])[];
  readonly #depth: number;

  constructor(shape: { readonly [name: string]: Shape }, path: string, depth: number) {
    this.#depth = depth;
    this.#children = Object.entries(shape).map(([name, child]) => [
      name,
      createShredder(child, `${path}.${name}`, depth + 1),
    ]);
  }

  add(value: unknown, definition: number, repetition: number): void {
    const struct = asObject(value);
    const level = struct ? this.#depth + 1 : definition;
    for (const [name, child] of this.#children) child.add(struct?.[name], level, repetition);
  }

  takeChunks(): Chunk[] {
    return this.#children.flatMap(([, child]) => child.takeChunks());
  }
}

class MapShredder implements Shredder {
  readonly #keys: LeafShredder;
  readonly #values: LeafShredder;
  readonly #depth: number;

  constructor(path: string, depth: number) {
    this.#depth = depth;
    this.#keys = new LeafShredder(`${path}.key`, 'string', depth + 2, 1);
    this.#values = new LeafShredder(`${path}.value`, 'string', depth + 3, 1);
  }

  add(value: unknown, definition: number, repetition: number): void {
    const map = asObject(value);
    const entries = map ? Object.entries(map) : [];
    if (entries.length === 0) {
      const level = map ? this.#depth + 1 : definition;
      this.#keys.add(null, level, repetition);
      this.#values.add(null, level, repetition);
    }
    for (const [index, [key, item]] of entries.entries()) {
      this.#keys.add(key, this.#depth + 2, index === 0 ? repetition : 1);
      this.#values.add(item, this.#depth + 2, index === 0 ? repetition : 1);
    }
  }

  takeChunks(): Chunk[] {
    return [...this.#keys.takeChunks(), ...this.#values.takeChunks()];
  }
}

class ListShredder implements Shredder {
  readonly #elements: LeafShredder;
  readonly #depth: number;

  constructor(path: string, depth: number) {
    this.#depth = depth;
    this.#elements = new LeafShredder(`${path}.element`, 'string', depth + 3, 1);
  }

  add(value: unknown, definition: number, repetition: number): void {
    const list: readonly unknown[] = Array.isArray(value) ? value : [];
    if (list.length === 0)
      this.#elements.add(null, Array.isArray(value) ? this.#depth + 1 : definition, repetition);
    for (const [index, element] of list.entries())
      this.#elements.add(element, this.#depth + 2, index === 0 ? repetition : 1);
  }

  takeChunks(): Chunk[] {
    return this.#elements.takeChunks();
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
