import { hubNameForm, isHubName } from '../hubNames';
import { eventHubsForm, type SettingDefinition } from '../settingDefinitions';
import { ownConnection } from './connectionName';
import type { WarehouseView } from './warehouseView';

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

/**
 * Values in the order of the stream's columns. One more value may follow: the fields of the element that no column holds, as the
 * text of a JSON object. It goes into the lake's column `_rescued_data`.
 */
export type Row = readonly Value[];

/** All reasons why an element of an event is not a row. docs/dead-letters.md explains them. */
export const decodeReasons = [
  'not-utf8',
  'not-json',
  'empty-body',
  'empty-array',
  'wrong-shape',
  'out-of-range',
  'too-many',
  'decode-failed',
] as const;

export type DecodeReason = (typeof decodeReasons)[number];

export interface Rejected {
  readonly reason: DecodeReason;
  /** A description of what is wrong, for people. */
  readonly detail: string;
}

/** The elements of one event body, in order. Each is a row or the reason why it is not one. Never empty. */
export type Decoded = readonly (Row | Rejected)[];

/**
 * Reads a body of the usual form, with one row. For each of the stream's columns it writes a number to `numbers`, from the index `first`
 * on: the value itself; for a text, its span in the body (`spanStart` and `spanEnd` in flatObject.ts); NaN for null. Returns false if the
 * body has another form; then the written numbers mean nothing.
 */
export type FlatReader = (body: Uint8Array, numbers: Float64Array, first: number) => boolean;

/** How a stream's rows are counted: by the values of the column `key`. A second column may be the attribute of each value. */
export interface Counted {
  /** The column to count by. Rows without a value in it are not counted. */
  readonly key: string;
  readonly attribute: string;
  /** Further columns to count by. Rows are counted by each of them separately, not by combinations. */
  readonly dimensions?: readonly string[];
}

/** Tells which newest rows the API answers: one for each value of the column `key`. */
export interface Latest {
  /** The column for whose values rows are told. Rows without a value in it are left out. */
  readonly key: string;
  /**
   * A column of the type timestamp that decides which row is newer. Rows without a value in it are left out. Of rows with the same time,
   * the one with the greater values is taken, compared column by column; a missing value is the least.
   */
  readonly asOf: string;
  /** The columns that the API tells. Rows are told in the order of the first of them. */
  readonly columns: readonly string[];
  /** Columns whose newest values in each hour of the last 8 days, and on each of the last 31 days, are told as well. */
  readonly history?: readonly string[];
}

/** The types a warehouse column may have, in the words of T-SQL. */
export type WarehouseType =
  | 'bigint'
  | 'int'
  | 'smallint'
  | 'float'
  | 'bit'
  | 'date'
  | 'datetime'
  | 'datetime2(6)'
  | `varchar(${number})`
  | `nvarchar(${number})`;

export interface WarehouseColumn {
  readonly name: string;
  /** The column of the Delta table whose values it gets: one of the stream's columns, or of the row's address. */
  readonly from: string;
  readonly type: WarehouseType;
}

/** The table that a stream's rows are loaded into. */
export interface WarehouseTable {
  readonly schema: string;
  readonly name: string;
  /** A bigint column in front of the others that the warehouse numbers by itself. */
  readonly identity?: string;
  readonly columns: readonly WarehouseColumn[];
  /** Views on the table for people. They are made together with it. */
  readonly views?: readonly WarehouseView[];
}

/** The definition of a stream. A new stream is one file with such a definition, and one function file. */
export interface Stream {
  /** The name, which commands and messages use as well. */
  readonly name: string;
  /** The setting that names its hub, like CLICKSTREAM_HUB. The names of its connections follow from it, like CLICKSTREAM_LISTEN. */
  readonly hubSetting: string;
  /** Further settings, for example of the source of its events. */
  readonly settings?: readonly SettingDefinition[];
  /** Path of its Delta table in the lake's container. */
  readonly table: string;
  readonly columns: readonly Column[];
  readonly counted?: Counted;
  readonly latest?: Latest;
  /** Its table in the warehouse. If it is missing, the rows are only in the lake. */
  readonly warehouse?: WarehouseTable;
  /** Turns one event body into rows. It must never throw, whatever the bytes. */
  decode(body: Uint8Array): Decoded;
  /** A faster reader for nearly all bodies. Whenever it reads one, `decode` must find the same row. */
  readonly readFlat?: FlatReader | undefined;
}

export const isRow = (element: Row | Rejected): element is Row => Array.isArray(element);

/** All settings of a stream. Its hub setting is the first. */
export function settingsOf(stream: Stream): SettingDefinition[] {
  const { name, hubSetting, settings = [] } = stream;
  const connection = { expected: eventHubsForm, default: '' };
  return [
    {
      name: hubSetting,
      meaning: `The event hub of the stream \`${name}\`.`,
      expected: hubNameForm,
      check: (value) => (isHubName(value) ? undefined : 'is malformed'),
    },
    {
      ...connection,
      name: ownConnection(stream, 'listen'),
      meaning: 'A connection of its own to read this hub. Without it, `EventHubConnection` is used.',
    },
    {
      ...connection,
      name: ownConnection(stream, 'send'),
      meaning: 'A connection of its own to send to this hub. Without it, `EventHubConnection` is used.',
    },
    ...settings,
  ];
}
