import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { parseArgs } from 'node:util';

/*
 * `npm run mutants`: makes small mistakes in lines of src/lib that a seed draws, one at a time and in a copy of the project, and
 * has the tests of the mirrored folder look for each. What they do not notice is printed: there a test is missing, or the
 * change makes no difference, which only a reader can tell. It takes minutes, and is no part of `npm test`.
 */

const usage = `Usage: npm run mutants -- [--seed N] [--lines N] [folder or file ...]

  --seed N   decides which lines are changed; by default from the clock, and printed
  --lines N  how many lines are changed, in about twice as many ways; by default 100
  folders    below src/lib; by default delta ingest counts warehouse maintenance`;

/** Makes the changes and runs the tests that reach them. Installed for this command alone: it brings 150 packages along. */
const stryker = ['@stryker-mutator/core@10.1.1', '@stryker-mutator/vitest-runner@10.1.1'];
const environment = join('node_modules', '.cache', 'mutants');
const marker = join(environment, 'installed.json');

interface Place {
  readonly line: number;
  readonly column: number;
}

/** The used parts of Stryker's report, which has the schema of mutation-testing-elements. */
interface Report {
  readonly files: Readonly<
    Record<
      string,
      {
        readonly source: string;
        readonly mutants: readonly {
          readonly status: string;
          readonly replacement?: string;
          readonly location: { readonly start: Place; readonly end: Place };
        }[];
      }
    >
  >;
}

function install(): void {
  const wanted = JSON.stringify(stryker);
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return;
  console.log('Installing Stryker for this command…');
  rmSync(environment, { recursive: true, force: true });
  mkdirSync(environment, { recursive: true });
  writeFileSync(join(environment, 'package.json'), '{"private":true}');
  // Without what it would bring along of vitest: it is to run the project's own.
  const args = [
    'install',
    '--prefix',
    environment,
    '--legacy-peer-deps',
    '--no-audit',
    '--no-fund',
    ...stryker,
  ];
  const { status } = spawnSync('npm', args, { stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (status !== 0) throw new Error('npm install failed; see above.');
  writeFileSync(marker, wanted);
}

/** Lines of code as `path:line-line`, which is how Stryker wants them; those that the seed draws come first. */
function drawLines(paths: readonly string[], seed: number): string[] {
  const isCode = (line: string) => /^\s*(?!\/\/|\/?\*|import\b|\} from\b|readonly\b)\S.*\w/.test(line);
  const lines = paths.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line, index) => (isCode(line) ? `${path}:${index + 1}-${index + 1}` : [])),
  );
  const order = (line: string) => createHash('sha256').update(`${seed} ${line}`).digest('hex');
  return lines
    .map((line) => ({ line, order: order(line) }))
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ line }) => line);
}

/** Changes lines of one folder of src/lib, and has that folder's tests run for each change. */
function runStryker(folder: string, lines: readonly string[], work: string): Report {
  const reportFile = join(work, `${folder}.json`);
  const configFile = join(work, `${folder}.config.json`);
  const config = {
    mutate: lines,
    // Texts of messages are no logic.
    mutator: { excludedMutations: ['StringLiteral'] },
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { related: false },
    testFiles: [`test/lib/${folder}/**/*.test.ts`],
    coverageAnalysis: 'perTest',
    // Constants of a module are made before a change can be switched on, so no test can notice theirs.
    ignoreStatic: true,
    concurrency: 1,
    timeoutMS: 20_000,
    // Stryker would rewrite it by means that TypeScript 7 has no more, and vitest does not need it.
    tsconfigFile: 'none',
    ignorePatterns: ['.local'],
    tempDirName: join(work, 'copies'),
    reporters: ['progress-append-only', 'json'],
    jsonReporter: { fileName: reportFile },
    allowEmpty: true,
  };
  writeFileSync(configFile, JSON.stringify(config));
  const bin = join(environment, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');
  const { status } = spawnSync(process.execPath, [bin, 'run', configFile], { stdio: ['ignore', 2, 2] });
  if (status !== 0 || !existsSync(reportFile)) throw new Error(`Stryker failed at ${folder}; see above.`);
  return JSON.parse(readFileSync(reportFile, 'utf8'));
}

function textBetween(source: string, start: Place, end: Place): string {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines.push((lines.pop() ?? '').slice(0, end.column - 1));
  return lines.join('\n').slice(start.column - 1);
}

/** Prints what no test noticed, and counts. */
function judge({ files }: Report): { noticed: number; all: number } {
  const counts = { noticed: 0, all: 0 };
  for (const [path, { source, mutants }] of Object.entries(files))
    for (const { status, location, replacement } of mutants) {
      if (['Ignored', 'CompileError'].includes(status)) continue;
      counts.all++;
      if (!['Survived', 'NoCoverage'].includes(status)) {
        counts.noticed++;
        continue;
      }
      const { start, end } = location;
      const reached = status === 'NoCoverage' ? ', where no test comes' : '';
      console.log(`${path}:${start.line}:${start.column}${reached}`);
      console.log(`    ${source.split('\n')[start.line - 1]?.trim()}`);
      console.log(`    ${textBetween(source, start, end)}  →  ${replacement}`);
    }
  return counts;
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seed: { type: 'string' }, lines: { type: 'string' }, help: { type: 'boolean' } },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
  const count = Number(values.lines ?? 100);
  if (values.help || !Number.isInteger(seed) || !Number.isInteger(count)) {
    console.log(usage);
    return;
  }
  const wanted =
    positionals.length > 0 ? positionals : ['delta', 'ingest', 'counts', 'warehouse', 'maintenance'];
  const paths = wanted
    .flatMap((one) => globSync(one.endsWith('.ts') ? `src/lib/${one}` : `src/lib/${one}/**/*.ts`))
    .map((path) => path.replaceAll(sep, '/'))
    .filter((path) => !path.endsWith('.d.ts'));
  const drawn = Map.groupBy(drawLines(paths, seed).slice(0, count), (line) => line.split('/')[2] ?? '');
  install();
  console.log(`seed ${seed}`);
  const work = mkdtempSync(join(tmpdir(), 'mutants-'));
  try {
    const results = [...drawn].map(([folder, lines]) => judge(runStryker(folder, lines, work)));
    const sum = (of: 'noticed' | 'all') => results.reduce((total, result) => total + result[of], 0);
    console.log(`seed ${seed}: tests noticed ${sum('noticed')} of ${sum('all')} changes.`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

main();
