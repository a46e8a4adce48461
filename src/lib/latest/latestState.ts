import { isKey } from '../counts/keys';
import type { TablePosition } from '../delta/position';
import type { StateFile } from '../fold/stateFile';
import { jsonValue } from '../jsonObject';
import type { Latest } from '../streams/stream';
import type { StoredLatest } from './latestRows';
import { areStoredTimes } from './timedRows';
import { isValue } from './values';

/** The path at which the newest rows of one version of a table are kept. */
export const latestStatePath = (table: string) => `${table}/_latest/state.json`;

const format = 1;

/** The newest rows, and the position in the log up to which they were folded. */
export interface LatestState extends TablePosition, StoredLatest {}

/**
 * The file with the newest rows of a stream. A state that was written for another declaration is not read, because it has other columns.
 */
export const latestStateFile = (latest: Latest): StateFile<LatestState> => ({
  path: latestStatePath,
  parse: (bytes) => parseLatestState(bytes, latest),
  serialize: (state) => Buffer.from(JSON.stringify({ format, of: declarationOf(latest), ...state })),
});

const declarationOf = ({ key, asOf, columns, history = [] }: Latest): string =>
  JSON.stringify([key, asOf, columns, history]);

function parseLatestState(bytes: Uint8Array, latest: Latest): LatestState | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const raw = jsonValue(text) as
    | Partial<Record<keyof LatestState | 'format' | 'of', unknown>>
    | null
    | undefined;
  if (raw?.format !== format || raw.of !== declarationOf(latest)) return undefined;
  const { tableId, version, mark, rows, history } = raw;
  if (typeof tableId !== 'string' || !Number.isSafeInteger(version)) return undefined;
  if (!(mark === undefined || typeof mark === 'string')) return undefined;
  const { columns, history: declared } = latest;
  const { keys, times, columns: values, isCut } = (rows ?? {}) as Partial<Record<string, unknown>>;
  if (!Array.isArray(keys) || !keys.every(isKey) || typeof isCut !== 'boolean') return undefined;
  if (!areRows(keys, times, values, columns.length)) return undefined;
  const areTimes = (given: unknown) =>
    areStoredTimes(given, (indexes, of, told) => areRows(indexes, of, told, declared?.length ?? 0));
  const { hours, days } = (history ?? {}) as Partial<Record<string, unknown>>;
  if (declared ? !(areTimes(hours) && areTimes(days)) : history !== undefined) return undefined;
  return raw as LatestState;
}

/** Whether times and columns are lists of as many entries as there are keys, and no key is there twice. */
function areRows(keys: readonly unknown[], times: unknown, columns: unknown, width: number): boolean {
  if (new Set(keys).size !== keys.length) return false;
  if (!Array.isArray(times) || times.length !== keys.length || !times.every(Number.isFinite)) return false;
  if (!Array.isArray(columns) || columns.length !== width) return false;
  return columns.every(
    (values: unknown) => Array.isArray(values) && values.length === keys.length && values.every(isValue),
  );
}
