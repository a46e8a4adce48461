import type { Add } from '../delta/actions';
import type { ReadValue } from '../delta/schema';
import type { TableState } from '../delta/state';
import { scanRows } from '../lake/scanRows';
import type { Counted } from '../streams/stream';
import type { Key } from './keys';
import { Tally } from './tally';

/** The column that says when Event Hubs accepted the row; the table of every stream has it. */
const timeColumn = 'enqueued_at';

export interface FilesToCount {
  /** The table that the files belong to. Errors name its version. */
  readonly state: TableState;
  readonly adds: readonly Add[];
  readonly counted: Counted;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly maxKeys: number;
}

/**
 * Counts the rows of data files. Reads only the needed columns, several files at once, one row group at a time. After the first
 * failure no further read begins, and the failure is thrown when the reads under way have ended.
 * @throws `parquet.invalid`, naming table, version and file, if a file is gone or damaged; `counts.keys`
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

/** The key of a row. A text becomes well-formed Unicode, so that it can be written to UTF-8 and read back unchanged. */
function asKey(value: ReadValue | undefined): Key | null {
  if (typeof value === 'number') return value;
  if (value === null || value === undefined) return null;
  return String(value).toWellFormed();
}

const asMilliseconds = (micros: ReadValue | undefined): number =>
  typeof micros === 'number' || typeof micros === 'bigint' ? Math.floor(Number(micros) / 1000) : Number.NaN;
