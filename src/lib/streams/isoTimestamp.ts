import { dayMs, minuteMs } from '../duration';

/**
 * The range of times that all readers of the tables accept, in milliseconds since 1970 UTC. Spark 3 refuses a Parquet file with
 * timestamps before 1900, because their calendar is unknown, and dates end with the year 9999.
 */
export const earliestMillis = Date.UTC(1900, 0, 1);
export const latestMillis = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

export type IsoFailure = 'malformed' | 'impossible';

/**
 * Milliseconds since 1970 UTC of an ISO 8601 date and time: `2019-12-30T17:13:20.3295826+00:00`. Seconds are required. A fraction is
 * cut to milliseconds; the whole text has at most 64 characters. `T` may be a space. Offsets are `Z`, `+hh:mm`, `+hhmm` or `+hh`; without one the time is
 * read as UTC. The result is `malformed` if the text has another form, and `impossible` if the calendar or the clock has no such time
 * (2026-02-30, 24:00, a leap second). Date.parse is not used, because it guesses and turns 30 February into March.
 */
export function parseIsoTimestamp(text: string): number | IsoFailure {
  // A valid text has only ASCII characters. In UTF-8 all other characters have bytes above ASCII, which are neither digits nor separators.
  return text.length > mostLetters ? 'malformed' : parseIso(Buffer.from(text), 0, Buffer.byteLength(text));
}

/** The microseconds, 0 to 999, that follow the milliseconds in a text that `parseIsoTimestamp` has read. */
export const microsOfMilli = (text: string): number => microsAfterMillis(Buffer.from(text), 0, text.length);

/**
 * Microseconds since 1970 UTC of an ISO 8601 date and time in ASCII, given as the bytes from `start` to `end`. It is a faster
 * `parseIsoTimestamp` for valid times: undefined if that would fail, if the time is before 1900, or if its microseconds are no safe
 * integer.
 */
export function isoMicros(bytes: Uint8Array, start: number, end: number): number | undefined {
  const millis = parseIso(bytes, start, end);
  if (typeof millis !== 'number' || millis < earliestMillis) return undefined;
  const micros = millis * 1000 + microsAfterMillis(bytes, start, end);
  return micros <= Number.MAX_SAFE_INTEGER ? micros : undefined;
}

function parseIso(bytes: Uint8Array, start: number, end: number): number | IsoFailure {
  const length = end - start;
  if (length < 19 || length > mostLetters || !hasSeparators(bytes, start)) return 'malformed';
  const century = twoDigits(bytes, start);
  const yearOfCentury = twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, start + 5);
  const day = twoDigits(bytes, start + 8);
  const hour = twoDigits(bytes, start + 11);
  const minute = twoDigits(bytes, start + 14);
  const second = twoDigits(bytes, start + 17);
  // If any of them is negative, the result of `|` is negative too.
  if ((century | yearOfCentury | month | day | hour | minute | second) < 0) return 'malformed';

  let at = start + 19;
  let millis = 0;
  if (length > 19 && bytes[at] === dot) {
    let weight = 100;
    for (at = start + 20; at < end; at++) {
      const digit = (bytes[at] as number) - zero;
      if (digit < 0 || digit > 9) break;
      millis += digit * weight;
      weight = weight === 100 ? 10 : weight === 10 ? 1 : 0;
    }
    if (at === start + 20) return 'malformed';
  }
  const offset = at === end ? 0 : offsetMinutes(bytes, at, end);
  if (offset === notAnOffset) return 'malformed';
  const days = knownDays((century * 100 + yearOfCentury) * 10_000 + month * 100 + day);
  if (days === noDate) return 'impossible';
  if (hour > 23 || minute > 59 || second > 59 || offset === impossibleOffset) return 'impossible';
  return days * dayMs + (hour * 60 + minute - offset) * minuteMs + second * 1000 + millis;
}

/** The microseconds, 0 to 999, that follow the milliseconds of the time from `start` to `end`. */
function microsAfterMillis(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start + 19] !== dot) return 0;
  let micros = 0;
  let weight = 100;
  // The fraction begins at 20, with three digits for the milliseconds.
  for (let at = start + 23; at < Math.min(start + 26, end); at++) {
    const digit = (bytes[at] as number) - zero;
    if (digit < 0 || digit > 9) break;
    micros += digit * weight;
    weight /= 10;
  }
  return micros;
}

const mostLetters = 64;

const zero = 48;
const plus = 43;
const dash = 45;
const dot = 46;
const colon = 58;
const space = 32;
const upperT = 84;
const lowerT = 116;
const upperZ = 90;
const lowerZ = 122;

const notAnOffset = 10_000;
const impossibleOffset = 10_001;

/** Whether the characters between the digits, up to the seconds, are the right separators. */
function hasSeparators(bytes: Uint8Array, start: number): boolean {
  const between = bytes[start + 10];
  return (
    bytes[start + 4] === dash &&
    bytes[start + 7] === dash &&
    (between === upperT || between === lowerT || between === space) &&
    bytes[start + 13] === colon &&
    bytes[start + 16] === colon
  );
}

/** The number of two digits; negative if they are not digits. It is never NaN, because NaN makes the parser take twice as long. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] as number) - zero;
  const ones = (bytes[at + 1] as number) - zero;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}

/** The offset in minutes east of UTC, from the text after the seconds. */
function offsetMinutes(bytes: Uint8Array, at: number, end: number): number {
  const sign = bytes[at];
  const rest = end - at;
  if (sign === upperZ || sign === lowerZ) return rest === 1 ? 0 : notAnOffset;
  if ((sign !== plus && sign !== dash) || rest < 3) return notAnOffset;
  const hasColon = rest > 3 && bytes[at + 3] === colon;
  if (rest !== 3 && rest !== (hasColon ? 6 : 5)) return notAnOffset;
  const hours = twoDigits(bytes, at + 1);
  const minutes = rest === 3 ? 0 : twoDigits(bytes, at + (hasColon ? 4 : 3));
  if ((hours | minutes) < 0) return notAnOffset;
  if (hours > 23 || minutes > 59) return impossibleOffset;
  return sign === dash ? -(hours * 60 + minutes) : hours * 60 + minutes;
}

const noDate = Number.MIN_SAFE_INTEGER;

/**
 * The date that was read last as a number like 20260131. The next variable has its days since 1970. Nearly all events have the date of the
 * one before.
 */
let lastDate = 0;
let lastDays = noDate;

/** Days since 1970 of a date given as a number like 20260131; `noDate` if the calendar does not have it. */
function knownDays(date: number): number {
  if (date === lastDate) return lastDays;
  const day = date % 100;
  const month = Math.floor(date / 100) % 100;
  const year = Math.floor(date / 10_000);
  const exists = month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
  lastDays = exists ? daysSince1970(year, month, day) : noDate;
  lastDate = date;
  return lastDays;
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Days of a year of 365 days that begins in March, before the first day of each of its months, March to February. */
const daysBeforeMonth = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337];

/** Days from 1 March of the year 0 to 1 January 1970. */
const daysTo1970 = 719_468;

/** Days in the proleptic Gregorian calendar. Years are counted from March here, so that a leap day is the last day of a year. */
function daysSince1970(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const monthsSinceMarch = month > 2 ? month - 3 : month + 9;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leapDays + (daysBeforeMonth[monthsSinceMarch] as number) + day - 1 - daysTo1970;
}
