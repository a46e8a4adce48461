/**
 * The range of times that all readers of the tables accept, in milliseconds since 1970 UTC. Spark 3 refuses a Parquet file with
 * timestamps before 1900, because their calendar is unknown, and dates end with the year 9999.
 */
export const earliestMillis = Date.UTC(1900, 0, 1);
export const latestMillis = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

export type IsoFailure = 'malformed' | 'impossible';

/**
 * Milliseconds since 1970 UTC of an ISO 8601 date and time: `2019-12-30T17:13:20.3295826+00:00`. Seconds are required, a
 * fraction may have any number of digits and is cut to milliseconds, `T` may be a space. Offsets are `Z`, `+hh:mm`, `+hhmm` or
 * `+hh`; without one the time is taken as UTC. `malformed` if the text has another form, `impossible` if the calendar or the clock
 * has no such time (2026-02-30, 24:00, a leap second). Date.parse is not used, because it guesses and turns 30 February into March.
 */
export function parseIsoTimestamp(text: string): number | IsoFailure {
  const length = text.length;
  if (length < 19 || length > 64 || !hasSeparators(text)) return 'malformed';
  const century = twoDigits(text, 0);
  const yearOfCentury = twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  // If any of them is negative, the result of `|` is negative too.
  if ((century | yearOfCentury | month | day | hour | minute | second) < 0) return 'malformed';

  let at = 19;
  let millis = 0;
  if (length > 19 && text.charCodeAt(19) === dot) {
    let weight = 100;
    for (at = 20; at < length; at++) {
      const digit = text.charCodeAt(at) - zero;
      if (digit < 0 || digit > 9) break;
      millis += digit * weight;
      weight = weight === 100 ? 10 : weight === 10 ? 1 : 0;
    }
    if (at === 20) return 'malformed';
  }
  const offset = at === length ? 0 : offsetMinutes(text, at);
  if (offset === notAnOffset) return 'malformed';
  const year = century * 100 + yearOfCentury;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return 'impossible';
  if (hour > 23 || minute > 59 || second > 59 || offset === impossibleOffset) return 'impossible';
  return (
    daysSince1970(year, month, day) * 86_400_000 +
    (hour * 60 + minute - offset) * 60_000 +
    second * 1000 +
    millis
  );
}

/** The microseconds, 0 to 999, that follow the milliseconds in a text that `parseIsoTimestamp` has read. */
export function microsOfMilli(text: string): number {
  if (text.charCodeAt(19) !== dot) return 0;
  let micros = 0;
  let weight = 100;
  // The fraction begins at 20, with three digits for the milliseconds.
  for (let at = 23; at < 26; at++) {
    const digit = text.charCodeAt(at) - zero;
    if (!(digit >= 0 && digit <= 9)) break;
    micros += digit * weight;
    weight /= 10;
  }
  return micros;
}

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
function hasSeparators(text: string): boolean {
  const between = text.charCodeAt(10);
  return (
    text.charCodeAt(4) === dash &&
    text.charCodeAt(7) === dash &&
    (between === upperT || between === lowerT || between === space) &&
    text.charCodeAt(13) === colon &&
    text.charCodeAt(16) === colon
  );
}

/** The number of two digits; negative if they are not digits. It is never NaN, because NaN makes the parser take twice as long. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - zero;
  const ones = text.charCodeAt(at + 1) - zero;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}

/** The offset in minutes east of UTC, from the text after the seconds. */
function offsetMinutes(text: string, at: number): number {
  const sign = text.charCodeAt(at);
  const rest = text.length - at;
  if (sign === upperZ || sign === lowerZ) return rest === 1 ? 0 : notAnOffset;
  if ((sign !== plus && sign !== dash) || rest < 3) return notAnOffset;
  const hasColon = rest > 3 && text.charCodeAt(at + 3) === colon;
  if (rest !== 3 && rest !== (hasColon ? 6 : 5)) return notAnOffset;
  const hours = twoDigits(text, at + 1);
  const minutes = rest === 3 ? 0 : twoDigits(text, at + (hasColon ? 4 : 3));
  if ((hours | minutes) < 0) return notAnOffset;
  if (hours > 23 || minutes > 59) return impossibleOffset;
  return sign === dash ? -(hours * 60 + minutes) : hours * 60 + minutes;
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return 30 + ((month + (month >> 3)) & 1);
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Days in the proleptic Gregorian calendar. Years begin in March here, so that a leap day is the last day of a year. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return y * 365 + leapDays + dayOfYear - 719_468;
}
