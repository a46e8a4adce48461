import type { Field } from '../delta/schema';
import type { Stream } from '../streams/stream';
import { deadLettersTable, letterFields } from './deadLetters';
import { tableFields } from './rowAddress';

/** A Delta table of the lake. */
export interface LakeTable {
  /** Its folder in the lake's container. */
  readonly name: string;
  readonly fields: readonly Field[];
}

/** All tables of the lake: one for each stream, and one for the dead letters of all streams. */
export const lakeTables = (streams: readonly Stream[]): LakeTable[] => [
  ...streams.map((stream) => ({ name: stream.table, fields: tableFields(stream) })),
  { name: deadLettersTable, fields: letterFields },
];
