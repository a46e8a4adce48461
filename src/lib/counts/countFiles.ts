import type { Add } from '../delta/actions';
import { dataFilePath, describeVersion } from '../delta/log';
import { dataFile } from '../delta/openDataFile';
import { readRowGroups } from '../delta/parquet/read';
import type { ReadValue } from '../delta/schema';
import type { TableState } from '../delta/state';
import type { Counted } from '../streams/stream';
import { type Key, Tally } from './tally';

/** How many files are read at once. */
const parallelReads = 8;

/** When Event Hubs accepted the row; every table of a stream has it. */
const timeColumn = 'enqueued_at';

export interface FilesToCount {
  /** Where the files are; its version is named in errors. */
  readonly state: TableState;
  readonly adds: readonly Add[];
  readonly counted: Counted;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly maxKeys: number;
}

/**
 * Counts the rows of data files, reading only the columns that are needed, several files at once, a row group at a time.
 * The first failure ends all reading, and is thrown when no read is under way any more.
 * @throws `parquet.invalid` naming table, version and file when one is gone or damaged, `counts.keys`
 */
export async function countFiles({ state, adds, counted, nowMs, maxKeys }: FilesToCount): Promise<Tally> {
  const tally = new Tally(nowMs, maxKeys);
  const queue = adds.values();
  const failures: unknown[] = [];
  const isGivenUp = () => failures.length > 0;
  const readOn = async () => {
    for (const add of queue) {
      try {
        await countFile(state, add, counted, tally, isGivenUp);
      } catch (error) {
        failures.push(error);
      }
      if (isGivenUp()) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallelReads, adds.length) }, readOn));
  if (isGivenUp()) throw failures[0];
  return tally;
}

async function countFile(
  state: TableState,
  add: Add,
  counted: Counted,
  tally: Tally,
  isGivenUp: () => boolean,
): Promise<void> {
  const { at, version } = state;
  const path = dataFilePath(at, add.path, version);
  const where = `${describeVersion(at, version)}, file ${add.path}`;
  const source = dataFile({ store: at.store, path, where }, add.size);
  const columns = [counted.key, counted.attribute, timeColumn];
  for await (const group of readRowGroups({ source, columns, where })) {
    if (isGivenUp()) return;
    const column = (name: string): readonly ReadValue[] => group.columns.get(name) ?? [];
    const keys = column(counted.key);
    const attributes = column(counted.attribute);
    const times = column(timeColumn);
    for (let row = 0; row < group.numRecords; row++) {
      const key = asKey(keys[row]);
      if (key !== null) tally.add(key, asKey(attributes[row]), asMilliseconds(times[row]));
    }
  }
}

/** A value by which rows are told apart; nothing that is no value, and texts that every reader can write. */
function asKey(value: ReadValue | undefined): Key | null {
  if (typeof value === 'number') return value;
  if (value === null || value === undefined) return null;
  return String(value).toWellFormed();
}

const asMilliseconds = (micros: ReadValue | undefined): number =>
  typeof micros === 'number' || typeof micros === 'bigint' ? Math.floor(Number(micros) / 1000) : Number.NaN;
