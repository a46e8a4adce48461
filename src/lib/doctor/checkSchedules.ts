import { count } from '../quantity';
import { timesIn31Days } from '../schedule';
import type { SettingDefinition } from '../settingDefinitions';
import type { Settings } from '../settings';
import { type Stream, settingsOf } from '../streams/stream';
import { type Finding, ok, wrong } from './finding';

/** Schedules to suggest instead of a more frequent one, the most frequent first. */
const rarer = [
  '0 */10 * * * *',
  '0 */30 * * * *',
  '0 0 * * * *',
  '0 0 */2 * * *',
  '0 0 */4 * * *',
  '0 0 */12 * * *',
  '0 0 0 * * *',
  '0 0 0 * * Mon',
];

/**
 * Says how often the timers of a stream fire in a month of 31 days. The schedules were checked with the settings. Each time may cost
 * credits of a plan: if a setting says how many requests the plan pays for, the two numbers are compared.
 */
export function checkSchedules(settings: Settings, stream: Stream, now: number = Date.now()): Finding[] {
  const definitions = settingsOf(stream);
  return definitions
    .filter(({ name }) => name.endsWith('_SCHEDULE'))
    .map((schedule) => {
      const name = schedule.name.replace(/_SCHEDULE$/, '_MONTHLY_REQUESTS');
      const plan = definitions.find((definition) => definition.name === name);
      return checkSchedule(settings, { schedule, plan, now });
    });
}

interface Spending {
  readonly schedule: SettingDefinition;
  /** The setting that says how many requests a plan pays for in a month. */
  readonly plan: SettingDefinition | undefined;
  readonly now: number;
}

function checkSchedule(settings: Settings, { schedule, plan, now }: Spending): Finding {
  const text = settings.text(schedule);
  const times = timesIn31Days(text, now);
  const says = `${text}: ${count(times)} times in 31 days`;
  if (!plan) return ok(schedule.name, says);
  const paid = settings.text(plan);
  if (paid === '') return ok(schedule.name, `${says}; ${plan.name} would say whether the plan pays for them`);
  if (times <= Number(paid))
    return ok(schedule.name, `${says}, of ${count(Number(paid))} that the plan pays for`);
  const cheap = rarer.find((one) => timesIn31Days(one, now) <= Number(paid));
  return wrong(
    schedule.name,
    `${says}, and the plan pays for ${count(Number(paid))} (${plan.name})`,
    cheap ? `set ${schedule.name} to "${cheap}", or take a larger plan` : 'take a larger plan',
  );
}
