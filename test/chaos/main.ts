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
      'goes back in time and is repaired as GET /api/health says, and the clock of a host jumps ten days ahead)',
    fallback: 20,
    most: 10_000,
  }),
  faults: numberFlag({
    meaning: 'go on until so many storage requests were spoilt',
    fallback: 0,
    most: 10_000_000,
  }),
  seed: numberFlag({
    meaning: 'decides what is broken when; by default random, and printed',
    fallback: undefined,
    most: 2 ** 31,
  }),
  rate: numberFlag({ meaning: 'events per second', fallback: 1000, most: 100_000 }),
  plant: textFlag(
    'FAULT',
    `run a build with a mistake, which must fail: ${orList(Object.keys(plantedFaults))}`,
  ),
  groups: switchFlag(
    'HTTP, Durable and each other function run in processes of their own, as on Flex Consumption; a kill is of one of them',
  ),
  writers: numberFlag({
    meaning: 'instead, so many processes that race for the versions of one table',
    fallback: 0,
    most: 100,
  }),
  commits: numberFlag({ meaning: 'commits of each of the writers', fallback: 500, most: 100_000 }),
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
  const { kills, faults, rate: eventsPerSecond, plant, writers, commits, keep, groups } = given;
  const { seed = Math.floor(Math.random() * 1e9) } = given;
  if (plant !== undefined) {
    if (!(plant in plantedFaults))
      throw new UsageError(`--plant ${plant}: expected ${orList(Object.keys(plantedFaults))}.`);
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
  log(writers > 0 ? `in ${folder}` : `seed ${seed}, in ${folder}`);
  const problems =
    writers > 0
      ? await raceWriters({ writers, commits, folder, log })
      : await runChaos({ kills, faults, seed, eventsPerSecond, folder, log, groups });
  for (const problem of problems) console.log(problem);
  log(problems.length === 0 ? 'PASSED: each event is there once.' : 'FAILED.');
  const isDone = problems.length === 0 && !keep;
  if (isDone) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
  return problems.length === 0 ? 0 : 1;
}
