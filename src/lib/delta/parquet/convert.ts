import type { ParquetParsers, SchemaElement, SchemaTree } from 'hyparquet';
import type { ReadValue } from '../schema';

/** The value as a number if that is exact, otherwise as the bigint. */
const narrow = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

/** Microseconds from nanoseconds. It rounds towards the past, so that an instant before 1970 stays in its microsecond. */
const nanosToMicros = (nanos: bigint): bigint => (nanos - (((nanos % 1000n) + 1000n) % 1000n)) / 1000n;

/** Decodes text. A leading byte order mark is kept, and bytes that are not UTF-8 are an error instead of question marks. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
const utf8 = (bytes: Uint8Array | undefined): string | undefined => bytes && decoder.decode(bytes);

/** Parsers that replace those of hyparquet, which make Dates with milliseconds only. */
export const parsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis) => narrow(millis * 1000n),
  timestampFromMicroseconds: (micros) => narrow(micros),
  timestampFromNanoseconds: (nanos) => narrow(nanosToMicros(nanos)),
  dateFromDays: (days) => days,
  stringFromBytes: utf8,
  jsonFromBytes: utf8,
};

/** The meaning of an element that hyparquet must not decode by itself. */
export type Meaning = { readonly decimalScale: number } | 'text' | undefined;

/**
 * Splits an element into a plain one, which hyparquet decodes, and a meaning that is applied afterwards. hyparquet turns decimals into
 * doubles, leaves enums as bytes, and knows maps and lists only by their older annotation.
 */
export function withoutLossyTypes(element: SchemaElement): { element: SchemaElement; meaning: Meaning } {
  const { converted_type, logical_type, ...rest } = element;
  if (converted_type === 'DECIMAL' || logical_type?.type === 'DECIMAL') {
    const scale = logical_type?.type === 'DECIMAL' ? logical_type.scale : element.scale;
    return { element: rest, meaning: { decimalScale: scale ?? 0 } };
  }
  if (converted_type === 'ENUM' || logical_type?.type === 'ENUM') return { element: rest, meaning: 'text' };
  if (logical_type?.type === 'MAP' || converted_type === 'MAP_KEY_VALUE')
    return { element: { ...element, converted_type: 'MAP' }, meaning: undefined };
  if (logical_type?.type === 'LIST')
    return { element: { ...element, converted_type: 'LIST' }, meaning: undefined };
  return { element, meaning: undefined };
}

/**
 * Turns what hyparquet assembled for a node of the schema into one of our values. Objects and arrays are changed in place: a checkpoint has
 * hundreds of thousands, and hyparquet made them for us alone.
 */
export function convertValue(
  raw: unknown,
  node: SchemaTree,
  meanings: ReadonlyMap<SchemaElement, Meaning>,
): ReadValue {
  if (raw === undefined || raw === null) return null;
  if (Array.isArray(raw)) {
    const items: unknown[] = raw;
    const item = node.element.converted_type === 'LIST' ? listItem(node) : node;
    for (let at = 0; at < items.length; at++) items[at] = convertValue(items[at], item, meanings);
    return raw;
  }
  if (node.children.length === 0) return convertLeaf(raw, meanings.get(node.element));
  const object = raw as Record<string, ReadValue>;
  if (node.element.converted_type === 'MAP') {
    const value = node.children[0]?.children[1];
    for (const key of Object.keys(object))
      object[key] = value ? convertValue(object[key], value, meanings) : null;
  } else {
    for (const child of node.children) {
      const { name } = child.element;
      // hyparquet's objects do not have a member of this name, because it cannot be assigned.
      if (name === '__proto__') continue;
      object[name] = convertValue(object[name], child, meanings);
    }
  }
  return object;
}

/** The element of a list, which lies one or two levels below (parquet-format, LogicalTypes.md, "Lists"). */
function listItem(node: SchemaTree): SchemaTree {
  const repeated = node.children[0];
  const only = repeated?.children.length === 1 ? repeated.children[0] : undefined;
  return only ?? repeated ?? node;
}

/** One leaf value. Bytes are copied, because hyparquet's are views that keep whole pages in memory. */
export function convertLeaf(raw: unknown, meaning: Meaning): ReadValue {
  if (raw === undefined || raw === null) return null;
  if (meaning === 'text') return raw instanceof Uint8Array ? (utf8(raw) ?? null) : String(raw);
  if (meaning) return decimalText(unscaled(raw), meaning.decimalScale);
  if (typeof raw === 'bigint') return narrow(raw);
  if (raw instanceof Uint8Array) return raw.slice();
  if (typeof raw === 'number' || typeof raw === 'string' || typeof raw === 'boolean') return raw;
  throw new TypeError(`a value came back as ${typeof raw}`);
}

function unscaled(raw: unknown): bigint {
  if (raw instanceof Uint8Array) {
    if (raw.length === 0) return 0n;
    return BigInt.asIntN(raw.length * 8, BigInt(`0x${Buffer.from(raw).toString('hex')}`));
  }
  if (typeof raw === 'bigint' || typeof raw === 'number') return BigInt(raw);
  throw new TypeError(`a decimal came back as ${typeof raw}`);
}

/** A decimal as text with all digits of its scale, such as "-12.340". */
function decimalText(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${value < 0n ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`;
}
