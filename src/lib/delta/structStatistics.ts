import { TributaryError } from '../errors';
import { ownMember } from '../ownMember';
import type { Add } from './actions';
import { valueProblem } from './parquet/validate';
import { type FileStatistics, parseStatistics } from './readStatistics';
import { type Field, isWritableType, type ReadValue, type Value, type WritableType } from './schema';
import { boundAsJson, indexedColumns } from './statistics';

/*
 * The statistics of files as a struct, `stats_parsed`. A checkpoint has them in this form if the table property
 * `delta.checkpoint.writeStatsAsStruct` asks for it (PROTOCOL.md, "Checkpoint Schema"). Everywhere else they are JSON.
 */

type Struct = Readonly<Record<string, ReadValue>>;

/**
 * The statistics of a file as JSON, made from the struct of a checkpoint that has no JSON. As in `deltaStats`, no bounds are written if a
 * column has values without any, because delta-rs would skip the file in filters on that column.
 * @param fields the columns of the table, whose types say what the values mean
 */
export function statisticsAsJson(
  parsed: ReadValue | undefined,
  fields: readonly Field[],
): string | undefined {
  const { numRecords, nullCount, minValues, maxValues } = asStruct(parsed) ?? {};
  if (typeof numRecords !== 'number') return undefined;
  const nulls = asStruct(nullCount) ?? {};
  const min = bounds(asStruct(minValues), fields, 'min');
  const max = bounds(asStruct(maxValues), fields, 'max');
  const isComplete = fields.slice(0, indexedColumns).every(({ name, type }) => {
    const hasBounds = typeof type === 'string' && type !== 'binary' && type !== 'void';
    return !hasBounds || ownMember(nulls, name) === numRecords || (min.has(name) && max.has(name));
  });
  const bounded = isComplete ? `"minValues":${asJson(min)},"maxValues":${asJson(max)},` : '';
  return `{"numRecords":${numRecords},${bounded}"nullCount":${JSON.stringify(withoutNulls(nulls))}}`;
}

/** The JSON text of each bound that is known. */
function bounds(
  values: Struct | undefined,
  fields: readonly Field[],
  side: 'min' | 'max',
): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name, type } of fields) {
    const text = boundOf(type, ownMember(values, name) as ReadValue | undefined, side);
    if (text !== undefined) found.set(name, text);
  }
  return found;
}

function boundOf(type: Field['type'], value: ReadValue | undefined, side: 'min' | 'max'): string | undefined {
  // Some writers leave out bounds of booleans. Then false and true are the bounds, which are right for every file.
  if (type === 'boolean') return String(typeof value === 'boolean' ? value : side === 'max');
  if (value === undefined || value === null || typeof type !== 'string') return undefined;
  if (typeof value === 'number' && !Number.isFinite(value)) return undefined;
  if (type.startsWith('decimal')) return typeof value === 'string' ? value : undefined;
  // A text that was too long was cut before.
  return type === 'string' ? JSON.stringify(value) : boundAsJson(type, value as Value, side);
}

const asJson = (members: ReadonlyMap<string, string>): string =>
  `{${[...members].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;

const withoutNulls = (struct: Struct): Struct =>
  Object.fromEntries(Object.entries(struct).filter(([, value]) => typeof value === 'number'));

const asStruct = (value: ReadValue | undefined): Struct | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
    ? (value as Struct)
    : undefined;

/** The form of the struct for a table, without columns that are not written; undefined if there are no others. */
export function statisticsShape(fields: readonly Field[]) {
  const counted = fields.filter(isCounted);
  const bounded = counted.filter(isBounded);
  const of = <T>(columns: readonly Field[], type: (column: Field) => T) =>
    Object.fromEntries(columns.map((column) => [column.name, type(column)]));
  if (bounded.length === 0) return undefined;
  const typed = of(bounded, ({ type }) => type as WritableType);
  return {
    numRecords: 'long',
    minValues: typed,
    maxValues: typed,
    nullCount: of(counted, () => 'long' as const),
  } as const;
}

/**
 * Tell which columns have statistics in the struct, and which of them have bounds. The name `__proto__` is left out, because it has a
 * meaning for JavaScript objects. Spark and delta-rs write no bounds of binary and boolean columns.
 */
const isCounted = ({ name, type }: Field): boolean => isWritableType(type) && name !== '__proto__';
const isBounded = ({ type }: Field): boolean => type !== 'binary' && type !== 'boolean';

/** The statistics of a file as a struct; undefined if it has none that can be understood. */
export function statisticsAsStruct(add: Add, fields: readonly Field[]): Struct | undefined {
  const counted = fields.filter(isCounted);
  const said = understood(add, counted);
  if (said?.numRecords === undefined) return undefined;
  const { numRecords, columns } = said;
  // The objects inherit nothing, because a column may have the name of a member that objects inherit.
  const empty = (): Record<string, ReadValue> => Object.create(null);
  const [minValues, maxValues, nullCount] = [empty(), empty(), empty()];
  for (const column of counted) {
    const { min, max, nullCount: nulls } = columns.get(column.name) ?? {};
    if (fits(column, min)) minValues[column.name] = min;
    if (fits(column, max)) maxValues[column.name] = max;
    if (Number.isSafeInteger(nulls)) nullCount[column.name] = nulls ?? null;
  }
  return { numRecords, minValues, maxValues, nullCount };
}

/** The parsed statistics of a file. They only help readers, so if they make no sense they are left out, and do not stop a checkpoint. */
function understood(add: Add, fields: readonly Field[]): FileStatistics | undefined {
  try {
    return parseStatistics(add, fields, add.path);
  } catch (error) {
    if (error instanceof TributaryError) return undefined;
    throw error;
  }
}

const fits = (column: Field, bound: ReadValue | undefined): bound is Value =>
  bound !== undefined &&
  isBounded(column) &&
  valueProblem({ ...column, nullable: true }, bound) === undefined;
