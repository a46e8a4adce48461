import { dayMs, parseTimeSpan } from './duration';
import type { Environment, SettingDefinition } from './settingDefinitions';

/*
 * Checks schedules of timers in the forms of Azure Functions: an NCRONTAB expression of six fields, or of five without the seconds; or a
 * time span. The host decides when a timer fires.
 */

/** The plans on which the app scales to zero, as Azure names them in WEBSITE_SKU. */
const consumptionPlans = ['Dynamic', 'FlexConsumption'];

/** A setting that holds the schedule of a timer. */
export const scheduleSetting = (name: string, meaning: string): SettingDefinition => ({
  name,
  meaning,
  expected:
    'an NCRONTAB expression like `0 */30 * * * *` (every half hour; the first field is the second), or a time span like 00:30:00, but not on Consumption plans',
  check(value, environment) {
    const problem = problemOfSchedule(value);
    if (problem !== undefined) return `is malformed (${problem})`;
    return isTimeSpan(value) && isConsumptionPlan(environment)
      ? 'is a time span, for which Consumption plans do not wake the app'
      : undefined;
  },
});

const isTimeSpan = (text: string): boolean => text.includes(':');

const isConsumptionPlan = ({ WEBSITE_SKU }: Environment): boolean =>
  consumptionPlans.some((plan) => plan.toLowerCase() === WEBSITE_SKU?.toLowerCase());

/** What is wrong with a schedule; undefined if the Functions host takes it. */
export function problemOfSchedule(text: string): string | undefined {
  const schedule = text.trim();
  if (isTimeSpan(schedule))
    return parseTimeSpan(schedule) ? undefined : 'the time span must be hh:mm:ss and longer than zero';
  const fields = schedule.split(/\s+/);
  if (fields.length < 5 || fields.length > 6)
    return `it has ${fields.length} field${fields.length === 1 ? '' : 's'}: there must be six fields, seconds first, or five, minutes first`;
  if (/[#?]|(^|[\s,\d-])[LW]($|[\s,\d])/i.test(schedule)) return 'L, W, # and ? are unknown to NCRONTAB';
  const kinds = fieldKinds.slice(-fields.length);
  for (const [index, kind] of kinds.entries()) {
    const problem = problemOfField(fields[index] ?? '', kind);
    if (problem !== undefined) return problem;
  }
  const [days = '', months = ''] = fields.slice(-3);
  return everFires(days, months) ? undefined : 'it never fires, because no such day exists';
}

interface FieldKind {
  readonly called: string;
  readonly least: number;
  readonly most: number;
  /** Names that may be used instead of the numbers, in lower case. */
  readonly names?: readonly string[];
}

const dayKind: FieldKind = { called: 'days', least: 1, most: 31 };
const monthKind: FieldKind = {
  called: 'months',
  least: 1,
  most: 12,
  names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
};

const fieldKinds: readonly FieldKind[] = [
  { called: 'seconds', least: 0, most: 59 },
  { called: 'minutes', least: 0, most: 59 },
  { called: 'hours', least: 0, most: 23 },
  dayKind,
  monthKind,
  {
    called: 'days of the week',
    least: 0,
    most: 6,
    names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
  },
];

function problemOfField(field: string, kind: FieldKind): string | undefined {
  if (field.split(',').every((part) => rangeOf(part, kind))) return undefined;
  const { called, least, most, names } = kind;
  const named = called === 'days of the week' ? '0 (Sunday) to 6' : `${least} to ${most}`;
  const orNames = names ? `, or names like ${names[1]}` : '';
  return `${called} are ${named}${orNames}, as in 1 or 1-5 or 1,3 or */2`;
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** Reads a part of a field: `*`, `a` or `a-b`, and perhaps a step after a slash. Undefined for any other text. */
function rangeOf(part: string, { least, most, names = [] }: FieldKind): Range | undefined {
  const [, all, first = '', last, every] = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d{1,4}))?$/.exec(part) ?? [];
  const step = Number(every ?? 1);
  if (step === 0) return undefined;
  if (all) return { from: least, to: most, step };
  const numberOf = (text: string): number => {
    if (/^\d{1,4}$/.test(text)) return Number(text);
    const index = names.findIndex((name) => text.length >= 3 && text.toLowerCase().startsWith(name));
    return index < 0 ? Number.NaN : index + least;
  };
  const from = numberOf(first);
  const to = last === undefined ? (every === undefined ? from : most) : numberOf(last);
  return from >= least && from <= to && to <= most ? { from, to, step } : undefined;
}

/**
 * How often a schedule fires in the 31 days from a day on, in UTC. No month has more days.
 * @param schedule one in which `problemOfSchedule` finds nothing wrong
 * @param from milliseconds since 1970; its time of the day does not count
 */
export function timesIn31Days(schedule: string, from: number): number {
  const text = schedule.trim();
  if (isTimeSpan(text)) return Math.floor((31 * dayMs) / (parseTimeSpan(text) ?? Number.POSITIVE_INFINITY));
  const fields = text.split(/\s+/);
  const [seconds, minutes, hours, days, months, weekdays] = (
    fields.length === 5 ? ['0', ...fields] : fields
  ).map((field, index) => valuesOf(field, fieldKinds[index] as FieldKind));
  const dates = Array.from({ length: 31 }, (_, day) => new Date(from + day * dayMs));
  const matching = dates.filter(
    (date) =>
      days?.has(date.getUTCDate()) && months?.has(date.getUTCMonth() + 1) && weekdays?.has(date.getUTCDay()),
  );
  return matching.length * (hours?.size ?? 0) * (minutes?.size ?? 0) * (seconds?.size ?? 0);
}

/** The numbers that a field stands for. */
function valuesOf(field: string, kind: FieldKind): Set<number> {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const range = rangeOf(part, kind);
    for (let value = range?.from ?? 1; value <= (range?.to ?? 0); value += range?.step ?? 1)
      values.add(value);
  }
  return values;
}

/** Whether one of the months has one of the days, so that the schedule ever fires. */
function everFires(days: string, months: string): boolean {
  const firstDay = Math.min(...valuesOf(days, dayKind));
  return [...valuesOf(months, monthKind)].some(
    (month) => firstDay <= new Date(Date.UTC(2024, month, 0)).getUTCDate(),
  );
}
