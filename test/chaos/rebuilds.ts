import { setTimeout as sleep } from 'node:timers/promises';
import { integerBetween, type Random } from '../../src/lib/sources/seededRandom';
import { clickstream } from '../../src/lib/streams/clickstream';
import { shadowPrefix } from '../../src/lib/warehouse/shadow';
import { runCommandLine } from './commandLine';
import { type ChaosSystem, hostNames } from './system';
import { type CommitBreaker, table } from './warehouse';

/** With --here the rebuild runs in a process of its own, which can be killed alone. */
const command = 'npm run warehouse -- rebuild clicks --here';
/** How often one rebuild is killed. */
const kills = { least: 2, most: 4 };
/** A rebuild of so few rows sends about this many batches that name its shadow. It is killed at one of them. */
const batches = { first: 1, last: 14 };
/** After this long it is killed in any case: it may be slow, because its connections break too. */
const killAfterMs = 20_000;
/** How long a killed rebuild is left to the hosts, in milliseconds. They end it if it has begun to take the table's place. */
const pauseMs = { least: 0, most: 4000 };

/** How long a host may take to end a rebuild that was begun elsewhere. Longer than the minute between two catch-ups. */
const hostLimitMs = 90_000;

export interface Rebuilds {
  finished: number;
  /** How many processes of rebuilds were killed. */
  killed: number;
}

export interface RebuildOptions {
  readonly system: ChaosSystem;
  /** Breaks connections until the last run, which must end. */
  readonly connections: CommitBreaker;
  readonly random: Random;
}

/** Rebuilds the table of the clicks while both hosts load it, and kills the process at different steps, once together with a host. */
export async function rebuildUnderLoad({
  system,
  connections,
  random,
}: RebuildOptions): Promise<{ line: string; problems: string[]; killed: number }> {
  const times = integerBetween(random, kills.least, kills.most);
  let killed = 0;
  const alsoKilled: string[] = [];
  for (let time = 0; time < times; time++) {
    const host = hostNames[integerBetween(random, 0, hostNames.length)] ?? 'one';
    const at = integerBetween(random, batches.first, batches.last);
    const killHost = async () => void (time === 0 && alsoKilled.push(await system.kill(host)));
    if (await rebuildUntil(system, at, killHost)) killed++;
    await sleep(integerBetween(random, pauseMs.least, pauseMs.most));
  }
  connections.paused = true;
  const { code, output } = await runCommandLine(command, system.settings);
  connections.paused = false;
  const line = `killed ${killed} times, once with ${alsoKilled.join() || 'nothing else'}, then it ended`;
  const problems = code === 0 ? await findShadows(system) : [`${command} failed: ${output}`];
  return { line, killed, problems };
}

/** Kills a rebuild at one of the batches that name a shadow. Returns false if it ended before. */
async function rebuildUntil(
  system: ChaosSystem,
  nth: number,
  alsoKill: () => Promise<void>,
): Promise<boolean> {
  const prefix = shadowPrefix({ name: clickstream.warehouse?.name ?? '' });
  const kill = new AbortController();
  let others: Promise<void> | undefined;
  let seen = 0;
  const killAll = () => {
    if (kill.signal.aborted) return;
    kill.abort();
    others = alsoKill();
  };
  system.warehouse.onBatch = (text) => {
    if (text.includes(prefix) && ++seen === nth) killAll();
  };
  const timer = setTimeout(killAll, killAfterMs);
  await runCommandLine(command, system.settings, kill.signal);
  clearTimeout(timer);
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
