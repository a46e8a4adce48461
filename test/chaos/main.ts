import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { numberFlag, switchFlag, textFlag } from '../../src/cli/commandLine/arguments';
import { action, type Given, orList, UsageError } from '../../src/cli/commandLine/command';
import { runCommand } from '../../src/cli/commandLine/runCommand';
import { plantedFaults, runPlanted } from './plant';
import { runChaos } from './run';
import { raceWriters } from './writers';

/*
 * `npm run chaos`: while events flow, it kills and freezes processes, makes storage requests fail and rolls the lake back in time.
 * Then it proves that each event is there exactly once. If not, it says what is wrong and ends with exit code 1.
 */

const flags = {
  kills: numberFlag({
    meaning:
      'kill -9 of a host, of both or of the broker (for each 7 of them a host is frozen as well and the table of the warehouse ' +
      'is rebuilt, which is killed too, and for each 10 the lake ' +
      'goes back in time and is repaired as GET /api/health says, and the clock of a host jumps ten days ahead), by default 20',
    fallback: undefined,
    most: 10_000,
    whole: true,
  }),
  faults: numberFlag({
    meaning: 'go on until so many storage requests were spoilt',
    fallback: undefined,
    most: 10_000_000,
    whole: true,
  }),
  seed: numberFlag({
    meaning: 'decides what is broken when; by default random, and printed',
    fallback: undefined,
    most: 2 ** 31,
    whole: true,
  }),
  rate: numberFlag({
    meaning: 'events per second, by default 1000',
    fallback: undefined,
    least: 1,
    most: 100_000,
  }),
  plant: textFlag(
    'FAULT',
    `run a build with a mistake, which must fail: ${orList(Object.keys(plantedFaults))}`,
  ),
  groups: switchFlag(
    'HTTP, Durable and each other function run in processes of their own, as on Flex Consumption; a kill is of one of them',
  ),
  writers: numberFlag({
    meaning: 'instead, so many processes that race for the versions of one table',
    fallback: undefined,
    least: 1,
    most: 100,
    whole: true,
  }),
  commits: numberFlag({
    meaning: 'commits of each of the writers, by default 500',
    fallback: undefined,
    least: 1,
    most: 100_000,
    whole: true,
  }),
  keep: switchFlag('keep the folder with logs, lake and broker'),
};

runCommand({
  call: 'npm run chaos',
  does: action({
    meaning: 'Kills and freezes parts of the system, spoils its storage, and counts.',
    flags,
    run: spoilAndCount,
  }),
});

async function spoilAndCount(given: Given<typeof flags>): Promise<number> {
  refuseMixed(given);
  const { plant, writers, commits = 500, keep, groups } = given;
  const { kills = 20, faults = 0, rate: eventsPerSecond = 1000 } = given;
  const { seed = Math.floor(Math.random() * 1e9) } = given;
  if (plant !== undefined) {
    console.log(`planted: ${plant}`);
    const passed = { kills, faults, seed, rate: eventsPerSecond };
    return runPlanted(
      plant,
      Object.entries(passed).flatMap(([name, value]) => [`--${name}`, String(value)]),
    );
  }
  const folder = mkdtempSync(join(tmpdir(), 'tributary-chaos-'));
  const started = Date.now();
  const log = (line: string) =>
    console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)}s ${line}`);
  log(writers === undefined ? `seed ${seed}, in ${folder}` : `in ${folder}`);
  const problems =
    writers === undefined
      ? await runChaos({ kills, faults, seed, eventsPerSecond, folder, log, groups })
      : await raceWriters({ writers, commits, folder, log });
  for (const problem of problems) console.log(problem);
  log(problems.length === 0 ? 'PASSED: each event is there once.' : 'FAILED.');
  const isDone = problems.length === 0 && !keep;
  if (isDone) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
  return problems.length === 0 ? 0 : 1;
}

/** @throws UsageError for flags of which one would be passed over */
function refuseMixed(given: Given<typeof flags>): void {
  const { plant, writers, commits, groups, keep } = given;
  if (plant !== undefined && !(plant in plantedFaults))
    throw new UsageError(`--plant ${plant}: expected ${orList(Object.keys(plantedFaults))}.`);
  if (writers === undefined && commits !== undefined)
    throw new UsageError('--commits is for writers that race: say with --writers how many.');
  const others = (['kills', 'faults', 'seed', 'rate', 'plant'] as const).filter(
    (name) => given[name] !== undefined,
  );
  const [other = groups ? 'groups' : undefined] = others;
  if (writers !== undefined && other !== undefined)
    throw new UsageError(`--${other} is for a run without --writers: leave one of them out.`);
  if (plant !== undefined && (groups || keep))
    throw new UsageError(
      `--${groups ? 'groups' : 'keep'} is for a run without --plant: leave one of them out.`,
    );
}
