import { dayMs } from '../../duration';
import type { WarehouseType } from '../../streams/stream';
import type { Cell, Warehouse } from '../warehouse';

/*
 * Makes a text, called a form, of each value, whether it comes from the lake or from a database. Equal values have equal forms.
 */

/** The form of a value; null for null. */
export type Form = string | null;

/** One row: the forms of its columns, in their order. */
export type FormRow = readonly Form[];

type Kind = Warehouse['kind'];

/** The form of a value that was fitted to its column. */
export function formOfCell(cell: Cell, type: WarehouseType, kind: Kind): Form {
  if (cell === null) return null;
  // Number() also removes the sign of -0. The text of a statement does not keep it either.
  if (type === 'float') return String(Number(cell));
  if (type === 'datetime') return formOfTime(BigInt(cell), kind);
  if (typeof cell === 'string') return cell;
  // This turns true into 1.
  return String(BigInt(cell));
}

/** The form of a value as a client returns it: mssql gives Dates, DuckDB texts in UTC, and both give large numbers as text. */
export function formOfAnswer(value: unknown, type: WarehouseType, kind: Kind): Form {
  if (value === null || value === undefined) return null;
  if (type === 'float') return String(Number(value));
  if (type === 'bit') return Number(value) === 1 ? '1' : '0';
  if (type === 'datetime') return formOfTime(readMicros(value), kind);
  if (type === 'datetime2(6)') return String(readMicros(value));
  if (type === 'date') return String(readMicros(value) / dayMicros);
  return /^n?varchar/.test(type) ? String(value) : String(BigInt(String(value)));
}

const dayMillis = BigInt(dayMs);
const dayMicros = dayMillis * 1000n;

/** The form of a time. A datetime of SQL Server has steps of 1/300 s, to which it rounds whole milliseconds; DuckDB keeps all digits. */
function formOfTime(micros: bigint, kind: Kind): string {
  if (kind === 'duckdb') return String(micros);
  const millis = floorDivide(micros, 1000n);
  const day = floorDivide(millis, dayMillis);
  const ticks = ((millis - day * dayMillis) * 3n + 5n) / 10n;
  return String(day * 25_920_000n + ticks);
}

/** The minute of the form of a time, in minutes since 1970. */
export function minuteOfForm(form: string, type: WarehouseType, kind: Kind): number {
  const unit = type === 'datetime' && kind !== 'duckdb' ? 18_000n : 60_000_000n;
  return Number(floorDivide(BigInt(form), unit));
}

const floorDivide = (value: bigint, by: bigint): bigint => value / by - (value % by < 0n ? 1n : 0n);

/** Microseconds since 1970. A Date of the client has the part below a millisecond in a property, in seconds. */
function readMicros(value: unknown): bigint {
  if (value instanceof Date) {
    const { nanosecondsDelta: delta = 0 } = value as { nanosecondsDelta?: number };
    return BigInt(value.getTime()) * 1000n + BigInt(Math.round(delta * 1e6));
  }
  const text = String(value);
  if (/^-?\d+$/.test(text)) return BigInt(text);
  const [, seconds = '', fraction = ''] = /^([^.]*)(?:\.(\d+))?$/.exec(text.replace(' ', 'T')) ?? [];
  const whole = seconds.includes('T') ? seconds : `${seconds}T00:00:00`;
  return BigInt(Date.parse(`${whole}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}
