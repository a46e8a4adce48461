import { setTimeout as sleep } from 'node:timers/promises';
import { integerBetween, type Random } from '../../src/lib/sources/seededRandom';
import { clickstream } from '../../src/lib/streams/clickstream';
import { shadowPrefix } from '../../src/lib/warehouse/shadow';
import { runCommandLine } from './commandLine';
import { type ChaosSystem, hostNames } from './system';
import { table } from './warehouse';

const command = 'npm run warehouse -- rebuild clicks';
/** How often one rebuild is killed. */
const kills = { least: 2, most: 4 };
/** How many batches a rebuild of so few rows sends that name its shadow, about: it is killed at one of them. */
const batches = { first: 1, last: 14 };
/** A rebuild fails if its connection breaks at a commit, and goes on when it is run again. */
const maxTries = 6;
/** How long a killed rebuild is left to the hosts, in milliseconds. They end it if it has begun to take the table's place. */
const pauseMs = { least: 0, most: 4000 };

/** How long a host may take to end a rebuild that was begun elsewhere. Longer than the minute between two catch-ups. */
const hostLimitMs = 90_000;

export interface Rebuilds {
  finished: number;
  /** How many processes of rebuilds were killed. */
  killed: number;
}

/** Rebuilds the table of the clicks while both hosts load it, and kills the process at different steps, once together with a host. */
export async function rebuildUnderLoad(
  system: ChaosSystem,
  random: Random,
): Promise<{ line: string; problems: string[]; killed: number }> {
  const times = integerBetween(random, kills.least, kills.most);
  let killed = 0;
  for (let time = 0; time < times; time++) {
    const host = hostNames[integerBetween(random, 0, hostNames.length)] ?? 'one';
    const at = integerBetween(random, batches.first, batches.last);
    if (await rebuildUntil(system, at, () => (time === 0 ? system.kill(host) : undefined))) killed++;
    await sleep(integerBetween(random, pauseMs.least, pauseMs.most));
  }
  let last = { code: 1, output: '' };
  let tries = 0;
  for (; last.code !== 0 && tries < maxTries; tries++) last = await runCommandLine(command, system.settings);
  const line = `killed ${killed} times, then ended at the ${tries}. try`;
  if (last.code !== 0)
    return { line, killed, problems: [`${command} failed ${tries} times: ${last.output}`] };
  return { line, killed, problems: await findShadows(system) };
}

/** Kills a rebuild at one of the batches that name a shadow. Returns false if it ended before. */
async function rebuildUntil(
  system: ChaosSystem,
  nth: number,
  alsoKill: () => Promise<void> | undefined,
): Promise<boolean> {
  const prefix = shadowPrefix({ name: clickstream.warehouse?.name ?? '' });
  const kill = new AbortController();
  let others: Promise<void> | undefined;
  let seen = 0;
  system.warehouse.onBatch = (text) => {
    if (!text.includes(prefix) || ++seen !== nth) return;
    kill.abort();
    others = alsoKill();
  };
  await runCommandLine(command, system.settings, kill.signal);
  system.warehouse.onBatch = undefined;
  await others;
  return kill.signal.aborted;
}

/** A rebuild that has ended leaves no row of the ledger that says otherwise. A host may be about to end it. */
async function findShadows({ warehouse }: ChaosSystem): Promise<string[]> {
  const find = () =>
    warehouse
      .rows('ops.load_ledger')
      .map((row) => `${row.table_name} ${row.delta_id}`)
      .filter((row) => row.startsWith(table) && row.includes(`${table}__`));
  const giveUpAt = Date.now() + hostLimitMs;
  while (find().length > 0 && Date.now() < giveUpAt) await sleep(200);
  return find().map((row) => `After a rebuild the ledger still says: ${row}`);
}
