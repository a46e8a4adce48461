import type { DataType, ReadValue } from '../../src/lib/delta/schema';

/**
 * A value in the text form of peer.py, in which every value of a type has one spelling: digits for whole numbers and decimals,
 * microseconds and days since 1970 for times, hex for bytes.
 */
export function toText(value: ReadValue): string | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return '-0.0';
    if (value === Number.POSITIVE_INFINITY) return 'inf';
    if (value === Number.NEGATIVE_INFINITY) return '-inf';
    return Number.isNaN(value) ? 'nan' : String(value);
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The peer's spelling of a value of this type, in ours: Python writes 1.0 and 1e+22 where JavaScript writes 1 and 1e+22. */
export function normalText(type: DataType, text: string | null | undefined): string | null {
  if (text === null || text === undefined) return null;
  if (type !== 'double' && type !== 'float') return text;
  const special: Record<string, number> = {
    nan: Number.NaN,
    inf: Number.POSITIVE_INFINITY,
    '-inf': Number.NEGATIVE_INFINITY,
  };
  return toText(special[text] ?? Number(text));
}
