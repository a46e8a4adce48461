/* Milliseconds. The scripts of the dashboard have lengths of their own, because the browser loads them without this file. */
export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

const unitMs = { ms: 1, s: 1000, m: minuteMs, h: hourMs, d: dayMs };

export type DurationUnit = keyof typeof unitMs;

/**
 * Reads a duration like `500ms`, `1.5m` or `2d`.
 * @param units the accepted units
 * @returns milliseconds; undefined if the text is not a duration in one of the units
 */
export function parseDuration(text: string, units: readonly DurationUnit[]): number | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(text) ?? [];
  const accepted = units.find((each) => each === unit);
  return accepted && Number(digits) * unitMs[accepted];
}

/** Milliseconds of a .NET time span `[d.]hh:mm:ss[.fffffff]`; undefined for any other text. */
export function parseTimeSpan(text: string): number | undefined {
  const match = /^(?:(\d+)\.)?(\d{1,2}):([0-5]?\d):([0-5]?\d)(?:\.(\d{1,7}))?$/.exec(text.trim());
  if (!match) return undefined;
  const [, days = '0', hours, minutes, seconds, fraction = '0'] = match;
  const whole = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return whole * 1000 + Math.floor(Number(`0.${fraction}`) * 1000);
}
