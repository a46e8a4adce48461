import { Cron } from 'croner';
import { parseTimeSpan } from './hostJson';

/** When a timer fires. */
export interface Schedule {
  /** The first time after `from`, in UTC. */
  next(from: Date): Date;
}

/**
 * Parses the schedule of a timer trigger: an NCRONTAB expression of five or six fields
 * (`{second} {minute} {hour} {day} {month} {day of week}`) or a time span such as `00:00:05`. Throws on anything else, also on `L`,
 * `W`, `#`, `?` and weekday 7, which croner accepts but NCRONTAB does not.
 */
export function parseSchedule(text: string, name: string): Schedule {
  const expression = text.trim();
  if (expression.includes(':')) {
    const interval = parseTimeSpan(expression);
    if (!interval) throw invalid(name, text, 'the time span must be hh:mm:ss and longer than zero');
    return { next: (from) => new Date(from.getTime() + interval) };
  }
  const fields = expression.split(/\s+/);
  if (fields.length < 5 || fields.length > 6) {
    throw invalid(name, text, 'it must have six fields, seconds first, or five, minutes first');
  }
  if (/[#?]|(^|[\s,\d-])[LW]($|[\s,\d])/i.test(expression)) {
    throw invalid(name, text, 'L, W, # and ? are unknown to NCRONTAB');
  }
  if (/(^|[,-])0*7($|[,/-])/.test(fields.at(-1) ?? '')) {
    throw invalid(name, text, 'days of the week are 0 (Sunday) to 6');
  }
  let cron: Cron;
  try {
    cron = new Cron(expression, {
      mode: '5-or-6-parts',
      domAndDow: true,
      sloppyRanges: true,
      timezone: 'UTC',
      paused: true,
    });
  } catch (error) {
    throw invalid(name, text, error instanceof Error ? error.message : String(error));
  }
  const next = (from: Date) => {
    const run = cron.nextRun(from);
    if (!run) throw invalid(name, text, 'it never fires');
    return run;
  };
  next(new Date());
  return { next };
}

/** Whether runs are less than a minute apart. As in the real host, such a schedule keeps no status in storage. */
export function isSubMinute(schedule: Schedule): boolean {
  let last = schedule.next(new Date());
  for (let i = 0; i < 5; i++) {
    const next = schedule.next(last);
    if (next.getTime() - last.getTime() < 60_000) return true;
    last = next;
  }
  return false;
}

function invalid(name: string, text: string, reason: string): Error {
  return new Error(
    `${name}: the schedule "${text}" is neither an NCRONTAB expression nor a time span: ${reason}.`,
  );
}
