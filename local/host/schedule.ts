import { Cron } from 'croner';
import { parseTimeSpan } from '../../src/lib/duration';
import { problemOfSchedule } from '../../src/lib/schedule';

/** When a timer fires. */
export interface Schedule {
  /** The first time after `from`, in UTC. */
  next(from: Date): Date;
}

/**
 * Parses the schedule of a timer trigger: an NCRONTAB expression of five or six fields
 * (`{second} {minute} {hour} {day} {month} {day of week}`) or a time span such as `00:00:05`. Throws on anything else, also on what
 * croner accepts but NCRONTAB does not.
 */
export function parseSchedule(text: string, name: string): Schedule {
  const problem = problemOfSchedule(text);
  if (problem !== undefined) throw invalid(name, text, problem);
  const expression = text.trim();
  const interval = parseTimeSpan(expression);
  if (interval) return { next: (from) => new Date(from.getTime() + interval) };
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
