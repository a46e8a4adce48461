import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostProcess } from '../local/processes';
import { startScaleGroups } from '../local/scaleGroups';
import type { Emulators } from '../local/stack';
import { numberFlag, switchFlag, textFlag } from '../src/cli/commandLine/arguments';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { billedSeconds, executionsOf, inSpan } from '../test/kit/functionsBill';
import { startStorageProxy } from '../test/kit/storageProxy';
import { listFlag, printTable, rounded } from './numbers';
import { offer } from './offer';
import { type DailyUse, monthlyCluster, monthlyCost, pricesAsOf } from './prices';
import { withEmulators, withProducer } from './withEmulators';

/*
 * What the app costs per day. It counts the executions and GB-seconds of its functions, with each scale group on a host of its own, and the
 * operations on the lake, and multiplies them by prices. Clicks come steadily from outside, or with --emitted from the app itself, every
 * ten seconds as in the template in deploy/infra.
 *
 *   npm run bench -- costs [--rates 0,100] [--seconds 300] [--memory 2048] [--interval 1s] [--wait 00:00:30] [--emitted]
 *
 * Azure's storage answers later than the one here, so executions take a little longer there. Not counted are what the Functions host does
 * for itself in its own storage account, requests of browsers, the log, and the storage of data.
 */

const flags = {
  rates: listFlag('clicks/s', [0, 100], 0),
  // Maintenance runs every five minutes, so this is the shortest time that has it once.
  seconds: numberFlag({ meaning: 'for each rate', fallback: 300, least: 1, most: 86_400 }),
  memory: numberFlag({ meaning: 'of an instance, in MB: 512, 2048 or 4096', fallback: 2048, most: 4096 }),
  emitted: switchFlag('the app itself emits the clicks'),
  interval: textFlag('TIME', 'COMMIT_INTERVAL, by default 1s'),
  wait: textFlag('TIME', 'maxWaitTime of the trigger, by default as in host.json'),
};

const waitSetting = 'AzureFunctionsJobHost__extensions__eventHubs__maxWaitTime';

/** After this many seconds, tables exist and partitions are being read. */
const settleSeconds = 30;
const secondsOfDay = 86_400;

interface Measured {
  readonly rate: number;
  readonly daily: DailyUse;
  /** For each scale group, the seconds per day that are billed. */
  readonly groups: ReadonlyMap<string, number>;
}

runCommand({
  call: 'npm run bench -- costs',
  does: action({ meaning: 'What the app costs a day, counted here and priced.', flags, run: measureAll }),
});

async function measureAll({ rates, interval, ...given }: Given<typeof flags>): Promise<number> {
  const measured: Measured[] = [];
  for (const rate of rates) measured.push(await measure({ rate, interval: interval ?? '1s', ...given }));
  printUse(measured);
  printGroups(measured);
  return 0;
}

interface Asked {
  readonly rate: number;
  readonly seconds: number;
  readonly memory: number;
  readonly interval: string;
  readonly wait: string | undefined;
  readonly emitted: boolean;
}

const measure = (asked: Asked): Promise<Measured> =>
  withEmulators((emulators) => measureApp(emulators, asked));

async function measureApp({ settings, logDir }: Emulators, asked: Asked): Promise<Measured> {
  const lake = await startStorageProxy(settings.LakeStorage ?? '');
  const hosts: HostProcess[] = [];
  const started = startScaleGroups(
    {
      port: 0,
      logDir,
      settings: {
        ...settings,
        LakeStorage: lake.connectionString,
        WAREHOUSE: 'none',
        COINCAP_API_KEY: '',
        CLICKSTREAM_SCHEDULE: '*/10 * * * * *',
        CLICKS_PER_SECOND: String(asked.emitted ? asked.rate : 0),
        COMMIT_INTERVAL: asked.interval,
        AzureFunctionsJobHost__logging__logLevel__default: 'Debug',
        // The template in deploy/infra sets this if there is no warehouse.
        'AzureWebJobs.syncWarehouse.Disabled': 'true',
        ...(asked.wait === undefined ? {} : { [waitSetting]: asked.wait }),
      },
    },
    (host) => hosts.push(host),
  );
  const stop = () => Promise.all(hosts.map((host) => host.stop()));
  try {
    await started;
    await sendFor(settings, asked, settleSeconds);
    lake.reset();
    const from = Date.now();
    await sendFor(settings, asked, asked.seconds);
    const { puts, gets, lists, others } = lake.counts;
    const requests = { writes: puts + lists, reads: gets + others };
    // The log has an execution only when it has ended.
    await stop();
    return summed(asked, logsOf(hosts, logDir), from, requests);
  } finally {
    await stop();
    await lake.close();
  }
}

/** Waits for a time, in which clicks are sent. */
async function sendFor(
  settings: Readonly<Record<string, string>>,
  { rate, emitted }: Asked,
  seconds: number,
): Promise<void> {
  const isOurs = rate > 0 && !emitted;
  await withProducer(settings, (producer) =>
    Promise.all([sleep(seconds * 1000), isOurs && offer(producer, rate, { seconds })]),
  );
}

/** The log of each scale group, by its name. */
const logsOf = (hosts: readonly HostProcess[], logDir: string): Map<string, string> =>
  new Map(hosts.map(({ name }) => [name, readFileSync(join(logDir, `${name}.log`), 'utf8')]));

function summed(
  { rate, seconds, memory }: Asked,
  logs: ReadonlyMap<string, string>,
  from: number,
  { writes, reads }: { readonly writes: number; readonly reads: number },
): Measured {
  const aDay = (counted: number) => (counted / seconds) * secondsOfDay;
  const executions = [...logs].map(
    ([group, log]) => [group, inSpan(executionsOf(log), from, from + seconds * 1000)] as const,
  );
  const groups = new Map(executions.map(([group, own]) => [group, aDay(billedSeconds(own))]));
  const billed = [...groups.values()].reduce((sum, own) => sum + own, 0);
  return {
    rate,
    groups,
    daily: {
      executions: aDay(executions.reduce((sum, [, own]) => sum + own.length, 0)),
      gbSeconds: billed * (memory / 1024),
      writes: aDay(writes),
      reads: aDay(reads),
      events: rate * secondsOfDay,
    },
  };
}

function printUse(measured: readonly Measured[]): void {
  console.log(`A day, and US dollars a month at prices of ${pricesAsOf} (bench/prices.ts):`);
  printTable(
    ['clicks/s', 'executions', 'GB-s', 'lake writes', 'lake reads', 'functions $', 'lake $', 'Event Hubs $'],
    measured.map(({ rate, daily }) => {
      const { functions, lake, eventHubs } = monthlyCost(daily);
      const { executions, gbSeconds, writes, reads } = daily;
      return [rate, executions, gbSeconds, writes, reads, functions, lake, eventHubs].map(rounded);
    }),
  );
  console.log(`A cluster of two small nodes that runs day and night: $${rounded(monthlyCluster)} a month.\n`);
}

function printGroups(measured: readonly Measured[]): void {
  const names = [...new Set(measured.flatMap(({ groups }) => [...groups.keys()]))];
  console.log('Share of the time for which an instance of each scale group is billed:');
  printTable(
    ['clicks/s', ...names],
    measured.map(({ rate, groups }) => [
      rounded(rate),
      ...names.map((name) => `${(((groups.get(name) ?? 0) / secondsOfDay) * 100).toFixed(1)} %`),
    ]),
  );
}
