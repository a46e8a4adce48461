import type { TablePosition } from '../delta/position';
import type { StateFile } from '../fold/stateFile';
import { jsonValue } from '../jsonObject';
import { columnsOfDimension, type Dimension, placeOf } from './dimension';
import { isCount, partsOfStored, storedTally } from './storedTally';
import type { TallyParts } from './tally';

/** The path at which the counts of one version of a table are kept. */
export const cachedStatePath = (table: string, dimension?: Dimension) =>
  `${table}/${placeOf(dimension ?? { key: '' }).folder}/state.json`;

/**
 * Older formats are not read, because their counts would be wrong:
 * - 1 kept only the minutes of seven days, so older ones would be missing unnoticed.
 * - 2 let a row without an attribute replace an attribute that was known.
 *
 * The counts of format 3 were right, but it does not say which decision they follow. Also, a release that knows only format 3 would take
 * counts with folded keys for complete ones. So format 4 is a new format, and each table is counted again once.
 *
 * Format 4 does not say which columns were counted. After a change of the stream's file, counts by another column would be gone on with.
 *
 * Format 5 has the hours of two days and no days, so what is older would be missing unnoticed.
 */
const format = 6;

/** The counts, and the position in the log up to which they were counted. */
export interface CachedState extends TablePosition {
  /** The id of the decision that says which keys are counted on their own (`kept.ts`). */
  readonly kept: string;
  readonly tally: TallyParts;
}

/** The file of the cached state of a dimension. */
export const cachedStateFile = (dimension: Dimension): StateFile<CachedState> => ({
  path: (table) => cachedStatePath(table, dimension),
  parse: (bytes) => parseCachedState(bytes, dimension),
  serialize: ({ tally, ...state }) =>
    Buffer.from(
      JSON.stringify({ format, of: columnsOfDimension(dimension), ...state, tally: storedTally(tally) }),
    ),
});

/** Parses a cached state. Undefined if the bytes are not a complete state of this format and dimension. */
export function parseCachedState(bytes: Uint8Array, dimension: Dimension): CachedState | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const raw = jsonValue(text) as
    | Partial<Record<keyof CachedState | 'format' | 'of', unknown>>
    | null
    | undefined;
  if (raw?.format !== format || raw.of !== columnsOfDimension(dimension)) return undefined;
  const { tableId, version, mark, kept } = raw;
  if (typeof tableId !== 'string' || !isCount(version) || typeof kept !== 'string') return undefined;
  if (!(mark === undefined || typeof mark === 'string')) return undefined;
  const tally = partsOfStored(raw.tally);
  return tally && { tableId, version, mark, kept, tally };
}
