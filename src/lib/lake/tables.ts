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

/** Every table there is: one for each stream, and the dead letters of all of them. */
export const lakeTables = (streams: readonly Stream[]): LakeTable[] => [
  ...streams.map((stream) => ({ name: stream.table, fields: tableFields(stream) })),
  { name: deadLettersTable, fields: letterFields },
];
