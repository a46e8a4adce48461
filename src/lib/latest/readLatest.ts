import { asKey } from '../counts/keys';
import type { Add } from '../delta/actions';
import type { TableState } from '../delta/state';
import { enqueuedAtColumn } from '../lake/rowAddress';
import { type FileProgress, scanRows } from '../lake/scanRows';
import type { Latest } from '../streams/stream';
import { columnsToTell, LatestRows } from './latestRows';
import { asMicros, asValue } from './values';

export interface FilesToRead {
  /** The table that the files belong to. Errors name its version. */
  readonly state: TableState;
  readonly adds: Iterable<Add>;
  readonly latest: Latest;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly onFile?: FileProgress | undefined;
}

/**
 * The newest rows of data files. Reads only the needed columns, several files at once, one row group at a time.
 * @throws `parquet.invalid`, naming table, version and file, if a file is gone or damaged
 */
export async function readLatest({ state, adds, latest, nowMs, onFile }: FilesToRead): Promise<LatestRows> {
  const rows = new LatestRows(latest, nowMs);
  const columns = [latest.key, latest.asOf, enqueuedAtColumn, ...columnsToTell(latest)];
  await scanRows({ state, files: adds, columns, onFile }, ([keyValue, asOf, enqueued, ...values]) => {
    const key = asKey(keyValue);
    const time = asMicros(asOf);
    if (key === null || time === null) return;
    rows.add({ key, time, enqueuedAt: asMicros(enqueued), values: values.map(asValue) });
  });
  return rows;
}
