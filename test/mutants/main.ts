import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { numberFlag, switchFlag, textFlag } from '../../src/cli/commandLine/arguments';
import { action, type Given, UsageError } from '../../src/cli/commandLine/command';
import { runCommand } from '../../src/cli/commandLine/runCommand';
import { importsOf, withoutEnding } from '../house/allowedImports';
import { tryKnownFaults } from './knownFaults';
import { install, type Mutant, type Place, runStryker } from './stryker';

/*
 * `npm run mutants`: makes small mistakes in lines of src/lib, one at a time and in a copy of the project, and runs tests against each. A
 * seed decides which lines. The tests of the mirrored folder run first. For a mistake that they do not notice, the other tests of test/lib
 * run that import the changed file, directly or through other files. A mistake that no test notices is printed: either a test is missing, or
 * the mistake makes no difference, which only a reader can tell. It takes minutes, and is not part of `npm test`.
 *
 * With `--known` it plants the mistakes of `sqlFaults.ts` instead, which names for each of them the tests that must notice it.
 */

const defaultParts = ['delta', 'ingest', 'counts', 'warehouse', 'maintenance'];

const flags = {
  seed: numberFlag({
    meaning: 'decides which lines are changed; by default from the clock, and printed',
    fallback: undefined,
    most: 2 ** 31,
  }),
  known: switchFlag(
    'instead plants the known mistakes in loads and rebuilds of SQL databases, each of which must be noticed',
  ),
  lines: numberFlag({
    meaning: 'how many lines are changed, in about twice as many ways, by default 100',
    fallback: undefined,
    least: 1,
    most: 100_000,
    whole: true,
  }),
  in: textFlag(
    'PARTS',
    `folders and files below src/lib, with commas between them, by default ${defaultParts.join(',')}; with --known, a part of the names of mistakes`,
  ),
};

runCommand({
  call: 'npm run mutants',
  does: action({
    meaning: 'Makes small mistakes in the code, and lists those that no test notices.',
    flags,
    run: tryMistakes,
  }),
});

async function tryMistakes({ known, ...others }: Given<typeof flags>) {
  if (!known) return tryDrawn(others);
  const { seed, lines } = others;
  if (seed !== undefined || lines !== undefined)
    throw new UsageError(
      `--${lines === undefined ? 'seed' : 'lines'} is for mistakes that are drawn, not for --known.`,
    );
  return tryKnownFaults(others.in ?? '') === 0 ? 0 : 1;
}

async function tryDrawn({
  seed = Date.now() % 1_000_000_000,
  lines = 100,
  in: parts,
}: Omit<Given<typeof flags>, 'known'>) {
  const paths = (parts?.split(',') ?? defaultParts)
    .flatMap((one) => filesOf(one.endsWith('.ts') ? `src/lib/${one}` : `src/lib/${one}/**/*.ts`))
    .filter((path) => !path.endsWith('.d.ts'));
  if (paths.length === 0) throw new UsageError(`--in ${parts}: src/lib has no such folder or file.`);
  const drawn = Map.groupBy(drawLines(paths, seed).slice(0, lines), (line) => line.split('/')[2] ?? '');
  install();
  console.log(`seed ${seed}`);
  const work = mkdtempSync(join(tmpdir(), 'mutants-'));
  const mutants: Mutant[] = [];
  try {
    for (const [folder, some] of drawn) {
      const tried = tryFolder(folder, some, work);
      tried.filter(isLeft).forEach(print);
      mutants.push(...tried);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const noticed = mutants.length - mutants.filter(isLeft).length;
  const late = mutants.filter(({ status }) => status === 'late').length;
  console.log(`seed ${seed}: tests noticed ${noticed} of ${mutants.length} changes, ${late} by being late.`);
  return 0;
}

/** All lines of code, in an order that the seed decides. They are written as `path:line-line`, which Stryker expects. */
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

/** The given tests that import one of the files, directly or through other files. Types do not count, because they run nothing. */
function testsReaching(files: ReadonlySet<string>, tests: readonly string[]): string[] {
  const imported = new Map<string, readonly string[]>();
  const importsOfFile = (file: string) => {
    const known = imported.get(file);
    if (known) return known;
    const path = `${file}.ts`;
    const found = existsSync(path) ? importsOf(path, readFileSync(path, 'utf8')) : [];
    const names = found.flatMap(({ file, isType }) => (file === undefined || isType ? [] : [file]));
    imported.set(file, names);
    return names;
  };
  return tests.filter((test) => {
    const seen = new Set([withoutEnding(test)]);
    for (const file of seen) for (const next of importsOfFile(file)) seen.add(next);
    return [...files].some((file) => seen.has(file));
  });
}

/** Makes mistakes in lines of one folder of src/lib. Returns each with whether a test noticed it. */
function tryFolder(folder: string, lines: readonly string[], work: string): Mutant[] {
  const mirrored = `test/lib/${folder}/`;
  const first = runStryker({ name: folder, mutate: lines, testFiles: [`${mirrored}**/*.test.ts`], work });
  const left = first.filter(isLeft);
  const files = new Set(left.map(({ path }) => withoutEnding(path)));
  const others = filesOf('test/lib/**/*.test.ts').filter((path) => !path.startsWith(mirrored));
  const testFiles = testsReaching(files, others);
  if (testFiles.length === 0) return first;
  const mutate = left.map(({ path, start, end }) => `${path}:${positionOf(start)}-${positionOf(end)}`);
  const second = runStryker({ name: `${folder}-others`, mutate, testFiles, work });
  const again = new Map(
    second.filter(({ status }) => status !== 'not-reached').map((one) => [nameOf(one), one]),
  );
  return first.map((one) => (isLeft(one) ? (again.get(nameOf(one)) ?? one) : one));
}

const isLeft = ({ status }: Mutant): boolean => status === 'survived' || status === 'not-reached';

const filesOf = (pattern: string): string[] => globSync(pattern).map((path) => path.replaceAll(sep, '/'));

/** A place as Stryker's options have it. There columns begin at 0; in Stryker's report they begin at 1. */
const positionOf = ({ line, column }: Place): string => `${line}:${column - 1}`;

const nameOf = ({ path, start, end, replacement }: Mutant): string =>
  JSON.stringify([path, start, end, replacement]);

function textBetween(source: string, start: Place, end: Place): string {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines.push((lines.pop() ?? '').slice(0, end.column - 1));
  return lines.join('\n').slice(start.column - 1);
}

/** Prints a change that no test noticed. */
function print({ path, source, start, end, replacement, status }: Mutant): void {
  console.log(
    `${path}:${start.line}:${start.column}${status === 'not-reached' ? ', where no test comes' : ''}`,
  );
  console.log(`    ${source.split('\n')[start.line - 1]?.trim()}`);
  console.log(`    ${textBetween(source, start, end)}  →  ${replacement}`);
}
