import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Stryker makes the changes and runs the tests that reach them. Only this command installs it, because it has 150 dependencies. */
const stryker = ['@stryker-mutator/core@10.1.1', '@stryker-mutator/vitest-runner@10.1.1'];
const environment = join('node_modules', '.cache', 'mutants');
const marker = join(environment, 'installed.json');

export interface Place {
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

/** A change that Stryker made, and what the tests said to it. */
export interface Mutant {
  readonly path: string;
  /** The whole file without the change. */
  readonly source: string;
  readonly start: Place;
  readonly end: Place;
  readonly replacement: string;
  /** `late`: the tests took much longer than without the change, for example because a loop does not end. */
  readonly status: 'noticed' | 'late' | 'survived' | 'not-reached';
}

export function install(): void {
  const wanted = JSON.stringify(stryker);
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return;
  console.log('Installing Stryker for this command…');
  rmSync(environment, { recursive: true, force: true });
  mkdirSync(environment, { recursive: true });
  writeFileSync(join(environment, 'package.json'), '{"private":true}');
  // Peer dependencies are left out: Stryker must run the project's own vitest, and not install another one.
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

export interface Run {
  /** The name of the run's files in `work`. */
  readonly name: string;
  /** What is changed: `path:line-line`, or `path:line:column-line:column`. */
  readonly mutate: readonly string[];
  readonly testFiles: readonly string[];
  /** A folder for temporary files. */
  readonly work: string;
}

/** Makes each change alone in a copy of the project, and has the tests run that reach it. Changes of constants are left out. */
export function runStryker({ name, mutate, testFiles, work }: Run): Mutant[] {
  const reportFile = join(work, `${name}.json`);
  const configFile = join(work, `${name}.config.json`);
  const config = {
    mutate,
    // Messages are left alone, because a change of their words is not a mistake in the logic.
    mutator: { excludedMutations: ['StringLiteral'] },
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { related: false },
    testFiles,
    coverageAnalysis: 'perTest',
    // Constants of a module are made before a change is switched on, so no test could notice a change of them.
    ignoreStatic: true,
    concurrency: 1,
    timeoutMS: 20_000,
    dryRunTimeoutMinutes: 30,
    // Stryker would rewrite tsconfig.json with functions that TypeScript 7 does not have any more. Vitest does not need that file.
    tsconfigFile: 'none',
    ignorePatterns: ['.local'],
    tempDirName: join(work, 'copies'),
    reporters: ['progress-append-only', 'json'],
    jsonReporter: { fileName: reportFile },
    allowEmpty: true,
  };
  writeFileSync(configFile, JSON.stringify(config));
  const bin = join(environment, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');
  const { status } = spawnSync(process.execPath, [bin, 'run', configFile], {
    stdio: ['ignore', 2, 2],
    // If a test took too long in the first run, which has no change in it yet, Stryker would give up.
    env: { ...process.env, TEST_TIMEOUT_MS: '120000' },
  });
  if (status !== 0 || !existsSync(reportFile)) throw new Error(`Stryker failed at ${name}; see above.`);
  return readReport(JSON.parse(readFileSync(reportFile, 'utf8')));
}

const statuses: Readonly<Record<string, Mutant['status']>> = {
  Survived: 'survived',
  NoCoverage: 'not-reached',
  Timeout: 'late',
};

function readReport({ files }: Report): Mutant[] {
  return Object.entries(files).flatMap(([path, { source, mutants }]) =>
    mutants
      .filter(({ status }) => !['Ignored', 'CompileError'].includes(status))
      .map(({ status, location, replacement = '' }) => ({
        path,
        source,
        ...location,
        replacement,
        status: statuses[status] ?? 'noticed',
      })),
  );
}
