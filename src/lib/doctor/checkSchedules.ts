import { count } from '../quantity';
import { timesIn30Days } from '../schedule';
import type { Settings } from '../settings';
import { type Stream, settingsOf } from '../streams/stream';
import { type Finding, ok } from './finding';

/**
 * Says how often the timers of a stream fire, which its settings have checked: each time may cost credits of a plan, whose number only
 * its owner knows.
 */
export function checkSchedules(settings: Settings, stream: Stream, now: number = Date.now()): Finding[] {
  const schedules = settingsOf(stream).filter(({ name }) => name.endsWith('_SCHEDULE'));
  return schedules.map((definition) => {
    const schedule = settings.text(definition);
    return ok(definition.name, `${schedule}: ${count(timesIn30Days(schedule, now))} times in 30 days`);
  });
}
