import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

/*
 * Every command of package.json as its users run it: the built file, in a folder without any settings.
 */

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const commands = Object.entries(scripts).flatMap(([name, script]) => {
  const file = / node ((?:dist|deploy)\/\S+\.m?js)$/.exec(script)?.[1];
  return file === undefined ? [] : [{ name, file: resolve(file) }];
});

const folder = mkdtempSync(join(tmpdir(), 'commands-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** @param cut streams without a reader, as after `| head` has ended */
function run(
  file: string,
  args: readonly string[],
  cut: readonly ('stdout' | 'stderr')[] = [],
  more: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    if (cut.includes(name)) child[name].destroy();
    child[name].on('data', (chunk) => {
      text[name] += chunk;
    });
  }
  return new Promise((done) =>
    child.once('close', (code) => done({ code, out: text.stdout, err: text.stderr })),
  );
}

const call = (name: string): string => (name === 'start' ? 'npm start' : `npm run ${name}`);

it('are all the commands there are', () => {
  expect(commands.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['start', 'emulators', 'verify', 'table', 'warehouse', 'chaos', 'bench']),
  );
});

describe.each(commands)('$name', { timeout: 60_000 }, ({ name, file }) => {
  it('explains itself without any settings', async () => {
    const { code, out, err } = await run(file, ['--help']);
    expect([code, err]).toEqual([0, '']);
    expect(out.split('\n')[0]).toMatch(new RegExp(`^${call(name)} -- .*\\[options\\]$`));
    expect(out).toMatch(/^ {2}--help +this$/m);
  });

  it.each([
    [
      'an unknown flag',
      '--no-such-flag',
      /^--no-such-flag is no option of \S+: expected (--\S+,? )*(or )?--help\.$/,
    ],
    [
      'an unknown word',
      'no-such-word',
      /^no-such-word is no (step|stream|query|subcommand of \S+): expected \S.*\.$|^\S+ takes no words; no-such-word is one too many\.$/,
    ],
  ])('refuses %s with one line, the way to the usage, and exit code 2', async (_, arg, message) => {
    const { code, out, err } = await run(file, [arg]);
    const [line, hint, ...rest] = err.split('\n');
    expect(line).toMatch(message);
    expect([code, out, hint, rest]).toEqual([2, '', `"${call(name)} -- --help" says what it takes.`, ['']]);
  });

  it('ends quietly when its output is cut', async () => {
    expect(await run(file, ['--help'], ['stdout'])).toEqual({ code: 141, out: '', err: '' });
    expect(await run(file, ['--no-such-flag'], ['stdout', 'stderr'])).toMatchObject({ code: 141 });
  });
});

it('an option that npm kept to itself is refused before anything is done', async () => {
  const maintain = commands.find(({ name }) => name === 'maintain')?.file ?? '';
  const { code, err } = await run(maintain, ['vacuum', 'clicks'], [], { npm_config_dry_run: 'true' });
  expect([code, err.split('\n')[0]]).toEqual([
    2,
    'npm kept --dry-run to itself: write options behind "--", as in "npm run maintain -- --dry-run".',
  ]);
});

it.each([
  [
    'chaos',
    ['--writers', '2', '--kills', '1'],
    '--kills is for a run without --writers: leave one of them out.',
  ],
  [
    'chaos',
    ['--writers', '2', '--groups'],
    '--groups is for a run without --writers: leave one of them out.',
  ],
  ['chaos', ['--commits', '5'], '--commits is for writers that race: say with --writers how many.'],
  ['chaos', ['--writers', '0'], '--writers 0: expected a whole number from 1 to 100.'],
  ['mutants', ['--known', '--lines', '3'], '--lines is for mistakes that are drawn, not for --known.'],
  ['mutants', ['--known', '--seed', '3'], '--seed is for mistakes that are drawn, not for --known.'],
  [
    'mutants',
    ['--known', '--in', 'nothing-like-this'],
    '--in nothing-like-this: no known mistake has this in its name. The names stand in test/mutants/sqlFaults.ts.',
  ],
  ['mutants', ['--lines', '0'], '--lines 0: expected a whole number from 1 to 100000.'],
])('%s refuses %j before it begins, because a flag would be passed over', async (name, args, message) => {
  const file = commands.find((one) => one.name === name)?.file ?? '';
  const { code, out, err } = await run(file, args);
  expect([code, out, err.split('\n')[0]]).toEqual([2, '', message]);
});

it('a bench reads the arguments after its name itself', async () => {
  const bench = commands.find(({ name }) => name === 'bench')?.file ?? '';
  expect((await run(bench, ['commitLatency', '--help'])).out).toMatch(
    /^npm run bench -- commitLatency \[options\]\n/,
  );
  expect((await run(bench, ['--help'])).out).toContain('npm run bench -- NAME --help');
});

describe('every measurement of npm run bench', { timeout: 120_000 }, () => {
  const bench = resolve('dist/bench/main.js');
  const names = async () => {
    const [, list = ''] = /expected (.*)\./.exec((await run(bench, ['no-such'])).err) ?? [];
    return list.split(/, | or /);
  };

  it('has a usage, and refuses an option that it does not know', async () => {
    const all = await names();
    expect(all).toEqual(expect.arrayContaining(['encode', 'peers', 'brokerSoak']));
    for (const name of all) {
      const refused = { code: 2, err: expect.stringContaining('--no-such is no option of') };
      expect(await run(bench, [name, '--no-such']), name).toMatchObject(refused);
    }
    for (const name of ['counts', 'peers'])
      expect(await run(bench, [name, '--help'])).toMatchObject({ code: 0, err: '' });
  });

  it.each([
    ['peers', '--rates', 'x', 'expected numbers from 1 on, like 1000,5000,20000.'],
    ['wholeStack', '--seconds', '0', 'expected a number from 1 to 3600.'],
    ['manyProducts', '--limits', '5,', 'expected numbers from 1 on, like 250000,1000000.'],
    ['verifyRows', '--rows', '0', 'expected a whole number from 1 to 100000000.'],
    ['brokerSoak', '--rate', 'x', 'expected a whole number from 1 to 100000000.'],
  ])('%s says what it takes for %s', async (name, option, value, expected) => {
    const { code, err } = await run(bench, [name, option, value]);
    expect([code, err.split('\n')[0]]).toEqual([2, `${option} ${value}: ${expected}`]);
  });
});
