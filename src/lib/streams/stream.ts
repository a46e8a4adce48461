/** The types a stream's columns may have; the same names as in a Delta schema. */
export type ColumnType =
  | 'string'
  | 'long'
  | 'integer'
  | 'short'
  | 'byte'
  | 'float'
  | 'double'
  | 'boolean'
  | 'binary'
  | 'date'
  | 'timestamp';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
}

/**
 * One column's value. long: safe integer or bigint. timestamp: microseconds since 1970 UTC, safe integer or bigint.
 * date: days since 1970. binary: bytes.
 */
export type Value = string | number | bigint | boolean | Uint8Array | null;

/** Values in the order of the stream's columns. */
export type Row = readonly Value[];

/** Why an element of an event is not a row; a closed set, explained in docs/dead-letters.md. */
export type DecodeReason =
  | 'not-utf8'
  | 'not-json'
  | 'empty-body'
  | 'empty-array'
  | 'wrong-shape'
  | 'out-of-range'
  /** The stream's own decoder is at fault. */
  | 'decode-failed';

export interface Rejected {
  readonly reason: DecodeReason;
  /** What exactly is wrong, for people. */
  readonly detail: string;
}

/** The elements of one event body, in order: each is a row or the reason why it is not. Never empty. */
export type Decoded = readonly (Row | Rejected)[];

/** Everything that makes a stream; a new stream is one of these and one function file. */
export interface Stream {
  /** Also the name in commands and messages. */
  readonly name: string;
  /** The setting that names its hub. */
  readonly hubSetting: string;
  /** Path of its Delta table in the lake's container. */
  readonly table: string;
  readonly columns: readonly Column[];
  /** Turns one event body into rows; never throws, whatever the bytes. */
  decode(body: Uint8Array): Decoded;
}

export const isRow = (element: Row | Rejected): element is Row => Array.isArray(element);
