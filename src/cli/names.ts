import { findLoadedTable, type LoadedTable, loadedTables } from '../lib/app/loadedTables';
import type { TableLocation } from '../lib/delta/log';
import { deadLettersTable } from '../lib/lake/deadLetters';
import { lakeTables } from '../lib/lake/tables';
import { loadStreams } from '../lib/streams/loadStreams';
import type { Stream } from '../lib/streams/stream';
import { fullName } from '../lib/warehouse/warehouse';
import { nameWord, wholeWord } from './commandLine/arguments';
import { orList, type Word } from './commandLine/command';

/*
 * Reads arguments that name a stream, a Delta table of the lake, or a table of the warehouse.
 */

export const streamWord: Word<Stream> = nameWord(
  'stream',
  async () => new Map((await loadStreams()).map((stream) => [stream.name, stream])),
);

/** The words that name one event. A partition is a number here, as in the column hub_partition. */
export const eventWords = {
  stream: streamWord,
  partition: wholeWord('partition'),
  'sequence-number': wholeWord('sequence number'),
};

/** The name of a Delta table, which need not exist yet. */
export const tableWord: Word<string> = nameWord(
  'table',
  async () => new Map(lakeTables(await loadStreams()).map(({ name }) => [name, name])),
);

/** The sentence about a Delta table that is not there yet. It names the settings, because they may name another lake than was meant. */
export const noTable = ({ store, table }: TableLocation): string =>
  `${store.name} (LakeStorage and LAKE_CONTAINER) has no table ${table}: ${table === deadLettersTable ? 'there are no dead letters' : 'nothing was ingested yet'}.`;

/** A table of the warehouse, by its own name or by the name of its Delta table. */
export const loadedTableWord: Word<LoadedTable> = {
  noun: 'table of the warehouse',
  expected: async () =>
    `${orList((await loadedTables()).map(({ table }) => fullName(table)))}, or the name of its Delta table`,
  read: findLoadedTable,
};
