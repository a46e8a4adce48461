import { beforeAll, describe, expect, it } from 'vitest';
import { readHostJson } from '../../../local/host/hostJson';
import { sampleSettings } from '../../../local/project';
import { requestedPass, timedPass } from '../../../src/lib/app/maintenance';
import { activityLimitMs } from '../../../src/lib/app/maintenanceActivities';
import { rebuildStepLimitMs } from '../../../src/lib/app/rebuild';
import { lakeTables } from '../../../src/lib/lake/tables';
import { maintenanceSteps } from '../../../src/lib/orchestrations/maintainTables';
import { loadStreams } from '../../../src/lib/streams/loadStreams';

beforeAll(async () => {
  const streams = await loadStreams();
  tables = lakeTables(streams).map(({ name }) => name);
  // The sample may lack the hub of a stream that was added.
  for (const { hubSetting, name } of streams) process.env[hubSetting] ??= name;
  Object.assign(process.env, sampleSettings());
});

const at = (time: string) => new Date(`2026-01-01T${time}Z`);
let tables: string[];
const few = ['checkpoint', 'counts'];

describe('a pass of the timer', () => {
  it.each([
    ['nothing is known', undefined],
    ['the last pass was terminated', { fullAt: null }],
    ['something else has that id', 'text'],
  ])('is a short one, and a full one in the first five minutes of an hour, if %s', async (_, previous) => {
    expect(await timedPass(previous, at('07:10:00'))).toEqual({
      tables,
      steps: few,
      fullAt: at('07:10:00').getTime(),
    });
    const full = at('07:00:00');
    expect(await timedPass(previous, full)).toEqual({
      tables,
      steps: maintenanceSteps,
      fullAt: full.getTime(),
    });
  });

  it('remembers the last full pass, and makes up for one whose time another pass took', async () => {
    const fullAt = at('07:00:00').getTime();
    const short = await timedPass({ fullAt }, at('07:55:00'));
    expect(short).toEqual({ tables, steps: few, fullAt });
    expect(await timedPass(short, at('08:05:00'))).toMatchObject({ steps: maintenanceSteps });
  });

  it.each([
    ['was purged', undefined],
    ['is ahead, because a clock was', { fullAt: at('07:10:00').getTime() + 10 * 86_400_000 }],
  ])(
    'an hour later at the latest, if the time of the last one %s and another pass is in the way at the full hour',
    async (_, previous) => {
      const first = await timedPass(previous, at('07:10:00'));
      const byHand = await requestedPass({ table: 'clicks', step: undefined }, first, at('07:59:00'));
      expect(await timedPass(byHand, at('08:10:00'))).toMatchObject({ steps: maintenanceSteps });
    },
  );
});

it('is still a full one if the timer comes late within these five minutes, and a short one after them', async () => {
  const previous = { fullAt: at('06:30:00').getTime() };
  expect(await timedPass(previous, at('07:04:59'))).toMatchObject({ steps: maintenanceSteps });
  expect(await timedPass(previous, at('07:05:00'))).toMatchObject({ steps: few });
});

it('leaves each activity so much less time than the function timeout that a last request may take a minute', () => {
  const { functionTimeoutMs = 0 } = readHostJson('host.json');
  for (const limitMs of [activityLimitMs, rebuildStepLimitMs])
    expect(limitMs + 60_000).toBeLessThanOrEqual(functionTimeoutMs);
});

describe('a pass by hand', () => {
  const previous = { fullAt: 5 };
  const now = at('07:10:00');
  const requested = (table?: string, step?: (typeof maintenanceSteps)[number]) =>
    requestedPass({ table, step }, previous, now);

  it('is a full one unless a table or a step is asked for', async () => {
    expect(await requested()).toEqual({ tables, steps: maintenanceSteps, fullAt: now.getTime() });
    expect(await requested('clicks')).toEqual({ tables: ['clicks'], steps: maintenanceSteps, fullAt: 5 });
    expect(await requested(undefined, 'compact')).toEqual({ tables, steps: ['compact'], fullAt: 5 });
  });
});
