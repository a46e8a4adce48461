import { TributaryError } from '../errors';
import { ownMember } from '../ownMember';
import type { Add } from './actions';
import { partitionValue } from './partitionValue';
import type { Field, ReadValue } from './schema';

/** The statistics in an add action. A part that is missing there is undefined. */
export interface FileStatistics {
  readonly numRecords: number | undefined;
  readonly columns: ReadonlyMap<string, ColumnStatistics>;
}

/** Bounds in memory form. They may be looser than the values: text is cut, timestamps are whole milliseconds. */
export interface ColumnStatistics {
  readonly min?: ReadValue;
  readonly max?: ReadValue;
  readonly nullCount?: number;
}

/** The number of rows of a file, according to its statistics; undefined if they do not have it. */
export function recordsOf({ stats }: Pick<Add, 'stats'>): number | undefined {
  const count = (stats ? parseObject(stats) : undefined)?.numRecords;
  return typeof count === 'number' ? count : undefined;
}

/** Those of the columns that have values in a file, according to its statistics. */
export function columnsWithValues({ stats }: Pick<Add, 'stats'>, names: readonly string[]): string[] {
  const { numRecords, nullCount } = (stats ? parseObject(stats) : undefined) ?? {};
  if (typeof numRecords !== 'number' || typeof nullCount !== 'object' || nullCount === null) return [];
  const nulls = nullCount as Readonly<Record<string, unknown>>;
  return names.filter((name) => typeof nulls[name] === 'number' && nulls[name] < numRecords);
}

/**
 * Reads the statistics of an add action (PROTOCOL.md, "Per-file Statistics") for the columns of primitive types. Longs keep all their
 * digits. Throws `delta.invalid`, naming `where`, if they are not a JSON object or a bound does not have its column's type.
 */
export function parseStatistics({ stats }: Add, fields: readonly Field[], where: string): FileStatistics {
  if (!stats) return { numRecords: undefined, columns: new Map() };
  const parsed = parseObject(stats, exact);
  if (!parsed) throw new TributaryError('delta.invalid', `${where}: the statistics are not a JSON object.`);
  const columns = new Map<string, ColumnStatistics>();
  for (const column of fields) {
    if (typeof column.type !== 'string') continue;
    const bound = (side: 'min' | 'max') => {
      const text = memberOf(parsed[`${side}Values`], column.name);
      return text === undefined ? {} : { [side]: partitionValueOrEmpty(column, text, where) };
    };
    const nullCount = memberOf(parsed.nullCount, column.name);
    columns.set(column.name, {
      ...bound('min'),
      ...bound('max'),
      ...(nullCount === undefined ? {} : { nullCount: Number(nullCount) }),
    });
  }
  const numRecords = parsed.numRecords === undefined ? undefined : Number(parsed.numRecords);
  return { numRecords, columns };
}

/** The value of a bound. An empty text is a bound like any other, although as a partition value it would mean null. */
const partitionValueOrEmpty = (column: Field, text: string, where: string): ReadValue =>
  text === '' && column.type === 'string' ? '' : partitionValue(column, text, where);

/** The text of a member; undefined if it is missing, null or an object. */
function memberOf(object: unknown, name: string): string | undefined {
  const value =
    typeof object === 'object' && object !== null && !Array.isArray(object)
      ? ownMember(object as Readonly<Record<string, unknown>>, name)
      : undefined;
  return value === undefined || typeof value === 'object' ? undefined : String(value);
}

/** Keeps numbers as texts of their digits, because a double has too few digits for a long. */
const exact = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === 'number' ? (context?.source ?? String(value)) : value;

/** The parsed statistics; undefined if they are not a JSON object. Other writers may put anything there. */
function parseObject(stats: string, reviver?: typeof exact): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(stats, reviver);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
