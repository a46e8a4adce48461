import type { Add } from '../delta/actions';
import { describeVersion, type TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import { readDataFileGroups } from '../delta/readDataFile';
import { type ColumnStatistics, parseStatistics } from '../delta/readStatistics';
import { type Field, isReadableType, type ReadValue } from '../delta/schema';
import type { Snapshot } from '../delta/state';
import { compareUtf8 } from '../delta/statistics';
import { TributaryError } from '../errors';
import type { Progress } from './task';

export interface CheckTask {
  readonly at: TableLocation;
  readonly signal?: AbortSignal;
  readonly progress?: (progress: Progress) => void;
}

export interface CheckResult {
  readonly version: number;
  readonly files: number;
  readonly rows: number;
  /** One sentence each, naming table, version and file. */
  readonly findings: readonly string[];
}

/**
 * Reads every live file of the newest version and compares it with the log: size, schema, number of rows, number of nulls in each column,
 * and whether every value lies within the bounds. Columns of types that are not implemented are left out. Damage to a file is a finding.
 * Damage to the log is thrown, because then it is unknown which files to check. Undefined if there is no table.
 */
export async function checkTable({ at, signal, progress }: CheckTask): Promise<CheckResult | undefined> {
  const snapshot = await openSnapshot(at);
  if (!snapshot) return undefined;
  const findings: string[] = [];
  let rows = 0;
  let done = 0;
  for (const add of snapshot.files.values()) {
    signal?.throwIfAborted();
    progress?.({ step: 'check', done: done++, total: snapshot.files.size });
    try {
      const checked = await checkFile(snapshot, add);
      rows += checked.rows;
      findings.push(...checked.findings);
    } catch (error) {
      if (!(error instanceof TributaryError) || error.retriable) throw error;
      findings.push(error.message);
    }
  }
  return { version: snapshot.version, files: snapshot.files.size, rows, findings };
}

/** The findings about a column of one file. */
interface ColumnTally {
  nulls: number;
  /** The first value that is outside the bounds. */
  outlier: { readonly row: number; readonly value: ReadValue; readonly side: 'min' | 'max' } | undefined;
}

async function checkFile(snapshot: Snapshot, add: Add): Promise<{ rows: number; findings: string[] }> {
  const { at, version } = snapshot;
  const fields = snapshot.fields.filter(({ type }) => isReadableType(type));
  const where = `${describeVersion(at, version)}, file ${add.path}`;
  const said = parseStatistics(add, fields, where);
  const tallies = new Map<string, ColumnTally>(
    fields.map(({ name }) => [name, { nulls: 0, outlier: undefined }]),
  );
  let rows = 0;
  for await (const group of readDataFileGroups(snapshot, add, [...tallies.keys()])) {
    for (const field of fields) {
      const tally = tallies.get(field.name);
      const values = group.columns.get(field.name) ?? [];
      if (tally) checkValues(field, values, said.columns.get(field.name) ?? {}, rows, tally);
    }
    rows += group.numRecords;
  }
  const findings: string[] = [];
  const find = (problem: string) => findings.push(`${where}: ${problem}.`);
  if (said.numRecords !== undefined && said.numRecords !== rows)
    find(`it has ${rows} rows; the log says ${said.numRecords}`);
  for (const { name, nullable } of fields) {
    const { nulls, outlier } = tallies.get(name) ?? { nulls: 0, outlier: undefined };
    const { nullCount, ...bounds } = said.columns.get(name) ?? {};
    if (nullCount !== undefined && nullCount !== nulls)
      find(`column ${name} has ${nulls} nulls; the log says ${nullCount}`);
    if (!nullable && nulls > 0) find(`column ${name} has ${nulls} nulls, but takes none`);
    if (outlier)
      find(
        `column ${name}, row ${outlier.row}: ${show(outlier.value)} is beyond the log's ${outlier.side} ${show(bounds[outlier.side] ?? null)}`,
      );
  }
  return { rows, findings };
}

function checkValues(
  { type }: Field,
  values: readonly ReadValue[],
  said: ColumnStatistics,
  firstRow: number,
  tally: ColumnTally,
): void {
  const min = said.min === undefined ? null : widened(type, said.min, 'min');
  const max = said.max === undefined ? null : widened(type, said.max, 'max');
  for (const [index, value] of values.entries()) {
    if (value === null) tally.nulls++;
    else if (tally.outlier === undefined) {
      const row = firstRow + index;
      if (isBelow(type, value, min)) tally.outlier = { row, value, side: 'min' };
      else if (isBelow(type, max, value)) tally.outlier = { row, value, side: 'max' };
    }
  }
}

/**
 * A bound, widened by as much as readers tolerate: bounds of timestamps may be cut to milliseconds, and bounds of floats, and maybe of
 * decimals, are written as doubles.
 */
function widened(type: Field['type'], bound: ReadValue, side: 'min' | 'max'): ReadValue {
  if (typeof bound === 'string' && type !== 'string') return widenedDecimal(bound, side);
  if (typeof bound !== 'number') return bound;
  if (type === 'float') return Math.fround(bound);
  const isTimestamp = type === 'timestamp' || type === 'timestamp_ntz';
  return isTimestamp && side === 'max' ? bound + 999 : bound;
}

/** Whether the left value is below the right one. NaN is neither below nor above anything here. */
function isBelow(type: Field['type'], left: ReadValue, right: ReadValue): boolean {
  if (typeof left === 'string' && typeof right === 'string')
    return type === 'string' ? compareUtf8(left, right) < 0 : unscaled(left) < unscaled(right);
  const isNumber = (value: ReadValue) => typeof value === 'number' || typeof value === 'bigint';
  return isNumber(left) && isNumber(right) ? (left as number) < (right as number) : false;
}

/** The most digits after the point that a decimal can have. */
const decimalDigits = 38;
/** A double is written with at most this many digits, because it has 53 bits. A bound with more digits was not a double. */
const doubleDigits = 17;
const doubleBits = 50n;

/** A decimal's text as an integer, with as many digits after the point as any decimal has. */
function unscaled(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(decimalDigits, '0').slice(0, decimalDigits));
}

/**
 * A bound of a decimal, widened by the last bits of a double: some writers, such as delta-rs, turn such bounds into doubles, which may move
 * them.
 */
function widenedDecimal(text: string, side: 'min' | 'max'): string {
  const significant = text.replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '');
  if (significant.length > doubleDigits) return text;
  const bound = unscaled(text);
  const slack = (bound < 0n ? -bound : bound) >> doubleBits;
  const moved = side === 'min' ? bound - slack : bound + slack;
  const digits = String(moved < 0n ? -moved : moved).padStart(decimalDigits + 1, '0');
  return `${moved < 0n ? '-' : ''}${digits.slice(0, -decimalDigits)}.${digits.slice(-decimalDigits)}`;
}

const show = (value: ReadValue): string =>
  typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value);
