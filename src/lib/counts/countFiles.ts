import type { Add } from '../delta/actions';
import type { ReadValue } from '../delta/schema';
import type { TableState } from '../delta/state';
import { scanRows } from '../lake/scanRows';
import type { Counted } from '../streams/stream';
import type { Key } from './keys';
import { Tally } from './tally';

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
  const columns = [counted.key, counted.attribute, timeColumn];
  await scanRows({ state, files: adds, columns }, ([key, attribute, time]) => {
    const counts = asKey(key);
    if (counts !== null) tally.add(counts, asKey(attribute), asMilliseconds(time));
  });
  return tally;
}

/** A value by which rows are told apart; nothing that is no value, and texts that every reader can write. */
function asKey(value: ReadValue | undefined): Key | null {
  if (typeof value === 'number') return value;
  if (value === null || value === undefined) return null;
  return String(value).toWellFormed();
}

const asMilliseconds = (micros: ReadValue | undefined): number =>
  typeof micros === 'number' || typeof micros === 'bigint' ? Math.floor(Number(micros) / 1000) : Number.NaN;
