import type { ReadValue } from '../delta/schema';
import { dayMs } from '../duration';
import type { WarehouseType } from '../streams/stream';
import { outsideCodePage } from './codePage';
import type { Cell } from './warehouse';

/** A value that its column cannot hold; `misfit` says why, in plain ASCII. */
export interface Misfit {
  readonly misfit: string;
}

/** Turns a value into one that the column can hold, or says why the column cannot hold it. */
export type Fitting = (value: ReadValue) => Cell | Misfit;

export const isMisfit = (value: Cell | Misfit): value is Misfit =>
  typeof value === 'object' && value !== null;

/** The conversion of values for a column of this type. Null stays null in every type. */
export function fittingOf(type: WarehouseType): Fitting {
  const fitting = ofType(type);
  return (value) => (value === null || value === undefined ? null : fitting(value));
}

const microsOf = (iso: string) => BigInt(Date.parse(iso)) * 1000n;
const daysOf = (date: string) => BigInt(Date.parse(`${date}T00:00:00Z`) / dayMs);

/** The least and the greatest value of the types whose values are integers here. */
const ranges = {
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  smallint: [-(2n ** 15n), 2n ** 15n - 1n],
  date: [daysOf('0001-01-01'), daysOf('9999-12-31')],
  // The values are rounded to 1/300 s. So .999 would become the next second, which does not exist at the end of 9999.
  datetime: [microsOf('1753-01-01T00:00:00.000Z'), microsOf('9999-12-31T23:59:59.998Z') + 999n],
  'datetime2(6)': [microsOf('0001-01-01T00:00:00.000Z'), microsOf('9999-12-31T23:59:59.999Z') + 999n],
} as const;

type IntegerType = keyof typeof ranges;

/** The nearest integer that a column of this type can hold; 0 if the value is not a number. */
export function clampInteger(type: IntegerType, value: ReadValue): bigint {
  const isNumber = typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value));
  const integer = isNumber ? BigInt(typeof value === 'number' ? Math.trunc(value) : value) : 0n;
  const [least, most] = ranges[type];
  return integer < least ? least : integer > most ? most : integer;
}

function ofType(type: WarehouseType): Fitting {
  const text = /^(n?)varchar\((\d+)\)$/.exec(type);
  if (text) return fitText(type, Number(text[2]), text[1] === 'n');
  switch (type) {
    case 'float':
      return fitFloat;
    case 'bit':
      return (value) => (typeof value === 'boolean' ? value : notA(type, value));
    default: {
      const [least, most] = ranges[type as IntegerType];
      return fitInteger(type, least, most);
    }
  }
}

/** Fits text to a column. varchar counts bytes, which are characters in a code page of single bytes; nvarchar counts UTF-16 units. */
function fitText(type: string, length: number, unicode: boolean): Fitting {
  return (value) => {
    if (typeof value !== 'string') return notA('text', value);
    if (value.length > length) return { misfit: `${value.length} characters, ${type} takes ${length}` };
    if (unicode) return value.isWellFormed() ? value : { misfit: 'not well-formed Unicode' };
    const outside = outsideCodePage(value);
    return outside === undefined
      ? value
      : { misfit: `U+${hex(outside.codePointAt(0) ?? 0)} is not in code page 1252 of ${type}` };
  };
}

const hex = (code: number) => code.toString(16).toUpperCase().padStart(4, '0');

function fitInteger(type: string, least: bigint, most: bigint): Fitting {
  const [low, high] = [Number(least), Number(most)];
  return (value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) {
      return value >= low && value <= high ? value : outOf(type);
    }
    if (typeof value === 'bigint') return value >= least && value <= most ? value : outOf(type);
    return notA(type, value);
  };
}

/** The smallest number above 0 that float can hold. */
const leastNormal = 2.2250738585072014e-308;

/** Fits a number to a float. SQL has no NaN and no infinities, so they become null. */
const fitFloat: Fitting = (value) => {
  if (typeof value !== 'number') return notA('float', value);
  if (!Number.isFinite(value)) return null;
  if (value !== 0 && Math.abs(value) < leastNormal) return outOf('float');
  return value;
};

const outOf = (type: string): Misfit => ({ misfit: `out of the range of ${type}` });
const notA = (type: string, value: ReadValue): Misfit => ({ misfit: `a ${typeof value} is no ${type}` });
