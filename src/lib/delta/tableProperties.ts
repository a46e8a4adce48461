import { dayMs, hourMs, minuteMs } from '../duration';
import { TributaryError } from '../errors';

const unitMs: Readonly<Record<string, number>> = {
  week: 7 * dayMs,
  day: dayMs,
  hour: hourMs,
  minute: minuteMs,
  second: 1000,
  millisecond: 1,
};

/** The table properties that say how long something is kept, with the protocol's defaults. */
const retentions = {
  'delta.logRetentionDuration': 'interval 30 days',
  'delta.deletedFileRetentionDuration': 'interval 1 week',
} as const;

type Configuration = Readonly<Record<string, string>>;

/** Whether a table property is `true`, in upper or lower case. `unless` is the answer for a table without the property. */
export const isOn = (configuration: Configuration, property: string, unless: boolean): boolean =>
  (configuration[property] ?? String(unless)).toLowerCase() === 'true';

/**
 * How long a table keeps its log entries or its removed files, in milliseconds.
 * @param where the table, for errors
 * @throws `delta.invalid` naming the property when its text is no interval
 */
export function retentionMs(configuration: Configuration, property: keyof typeof retentions, where: string) {
  const text = configuration[property] ?? retentions[property];
  const milliseconds = parseInterval(text);
  if (milliseconds !== undefined) return milliseconds;
  throw new TributaryError(
    'delta.invalid',
    `${where}: the table property ${property} is ${JSON.stringify(text)}: expected an interval of weeks, days, hours, minutes or seconds, like "interval 3 days".`,
  );
}

/**
 * The milliseconds of a text like "interval 1 week 2 days"; undefined for any other text. Months and years are refused, because they have
 * no fixed length.
 */
export function parseInterval(text: string): number | undefined {
  const words = text.trim().toLowerCase().split(/\s+/);
  if (words[0] === 'interval') words.shift();
  if (words.length === 0 || words.length % 2 === 1) return undefined;
  let sum = 0;
  for (let at = 0; at < words.length; at += 2) {
    const count = words[at] ?? '';
    const unit = unitMs[(words[at + 1] ?? '').replace(/s$/, '')];
    if (!/^\d{1,9}$/.test(count) || unit === undefined) return undefined;
    sum += Number(count) * unit;
  }
  return sum;
}
