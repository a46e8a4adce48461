const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

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
