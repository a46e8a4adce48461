import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  describeFlags,
  type Flags,
  readFlags,
  readNumber,
  runCommand,
  UsageError,
} from '../../src/cli/commandLine';
import { plantedFaults, runPlanted } from './plant';
import { runChaos } from './run';
import { raceWriters } from './writers';

/*
 * `npm run chaos`: kills and freezes processes, spoils storage requests and has the lake go back in time while events flow, and
 * then proves that each event is there once. Exit code 1, and what is wrong, when one is not.
 */

const flags = {
  kills: {
    value: 'N',
    meaning:
      'kill -9 of a host, of both or of the broker, 20 unless told; for each 7 of them a host is frozen as well, and for ' +
      'each 10 the lake goes back in time and is mended as GET /api/health says',
  },
  faults: { value: 'M', meaning: 'go on until so many storage requests were spoilt, 0 unless told' },
  seed: { value: 'S', meaning: 'what is killed and spoilt when; drawn and printed unless told' },
  rate: { value: 'R', meaning: 'events per second, 1000 unless told' },
  plant: {
    value: 'FAULT',
    meaning: `run a build with a mistake, which must fail: ${Object.keys(plantedFaults).join(' or ')}`,
  },
  writers: { value: 'N', meaning: 'instead, so many processes that race for the versions of one table' },
  commits: { value: 'N', meaning: 'commits of each of the writers, 500 unless told' },
  keep: { meaning: 'keep the folder with logs, lake and broker' },
} satisfies Flags;

runCommand(`npm run chaos -- [options]\n${describeFlags(flags)}`, async (args) => {
  const values = readFlags(flags, args);
  const kills = readNumber('kills', values.kills, 20, 10_000);
  const faults = readNumber('faults', values.faults, 0, 10_000_000);
  const seed = readNumber('seed', values.seed, Math.floor(Math.random() * 1e9), 2 ** 31);
  const eventsPerSecond = readNumber('rate', values.rate, 1000, 100_000);
  const writers = readNumber('writers', values.writers, 0, 100);
  const commits = readNumber('commits', values.commits, 500, 100_000);
  if (typeof values.plant === 'string') {
    if (!(values.plant in plantedFaults))
      throw new UsageError(`--plant ${values.plant}: expected ${Object.keys(plantedFaults).join(' or ')}.`);
    console.log(`planted: ${values.plant}`);
    const given = { kills, faults, seed, rate: eventsPerSecond };
    return runPlanted(
      values.plant,
      Object.entries(given).flatMap(([name, value]) => [`--${name}`, String(value)]),
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
      : await runChaos({ kills, faults, seed, eventsPerSecond, folder, log });
  for (const problem of problems) console.log(problem);
  log(problems.length === 0 ? 'PASSED: each event is there once.' : 'FAILED.');
  const isDone = problems.length === 0 && !values.keep;
  if (isDone) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
  return problems.length === 0 ? 0 : 1;
});
