import { spawnSync } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeProjectFolder } from './projectFolder';

/*
 * The build in a small project that has this one's package.json and tsconfig files.
 */

const orders = "import numbers from './numbers.json';\nconsole.log(numbers.orders);\n";
let folder: string;

beforeEach(() => {
  folder = makeProjectFolder('build-');
  write('src/lib/dashboard/browser/main.ts', "document.title = 'Clicks';\n");
  write('src/functions/getClicks.ts', 'console.log(1);\n');
  write('src/functions/getOrders.ts', orders);
  write('src/functions/numbers.json', '{ "orders": 2 }\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const remove = (path: string) => rmSync(join(folder, path));
const run = (command: string) => spawnSync(command, { cwd: folder, shell: true, encoding: 'utf8' });
const build = () => run(JSON.parse(readFileSync('package.json', 'utf8')).scripts.build).status;
const compiled = () => globSync('dist/**/*.{js,js.map,json}', { cwd: folder }).sort();

/** Changes the contents of a source, as `cp -p` of another file of the same size and time would. */
function changeUnnoticed(): void {
  const path = join(folder, 'src/functions/getClicks.ts');
  const { atime, mtime } = statSync(path);
  write('src/functions/getClicks.ts', 'console.log(7);\n');
  utimesSync(path, atime, mtime);
}

/** Leaves of the installed packages only the list of them. */
function removeCompiler(): void {
  remove('node_modules');
  mkdirSync(join(folder, 'node_modules'));
  cpSync('node_modules/.package-lock.json', join(folder, 'node_modules/.package-lock.json'));
}

const ofOrders = [
  'dist/src/functions/getOrders.js',
  'dist/src/functions/getOrders.js.map',
  'dist/src/functions/numbers.json',
];
const ofOthers = [
  'dist/src/functions/getClicks.js',
  'dist/src/functions/getClicks.js.map',
  'dist/src/lib/dashboard/browser/main.js',
];

describe('the build', { timeout: 60_000 }, () => {
  it('deletes the output of a deleted source from dist, and nothing else', () => {
    expect(build()).toBe(0);
    expect(compiled()).toEqual([...ofOthers, ...ofOrders].sort());
    remove('src/functions/getOrders.ts');
    remove('src/functions/numbers.json');
    expect(build()).toBe(0);
    expect(compiled()).toEqual(ofOthers);
  });

  it('compiles a source again that comes back', () => {
    build();
    remove('src/functions/getOrders.ts');
    build();
    write('src/functions/getOrders.ts', orders);
    expect(build()).toBe(0);
    expect(compiled()).toEqual([...ofOthers, ...ofOrders].sort());
  });

  it('deletes nothing if the compiler fails, and fails too', () => {
    build();
    remove('src/functions/getOrders.ts');
    write('src/functions/getClicks.ts', "console.log('a' * 2);\n");
    expect(build()).not.toBe(0);
    expect(compiled()).toEqual([...ofOthers, ...ofOrders].sort());
  });

  it.each([
    ['a source', () => write('src/functions/getClicks.ts', 'console.log(2);\n')],
    ['a source, but neither its size nor its time', changeUnnoticed],
    ['a new source', () => write('local/new.ts', 'console.log(2);\n')],
    ['the options of the compiler', () => write('tsconfig.build.json', '{ "extends": "./tsconfig.json" }\n')],
    ['the packages', () => write('package-lock.json', '{}\n')],
    ['a file of dist', () => write('dist/src/functions/getClicks.js', 'console.log(0);\n')],
    ['dist, of which a file is gone', () => remove('dist/src/functions/getClicks.js')],
  ])('needs no compiler if nothing changed, and runs it after a change of %s', (_what, change) => {
    expect(build()).toBe(0);
    removeCompiler();
    expect(build()).toBe(0);
    change();
    expect(build()).not.toBe(0);
  });

  it('mends files of dist that somebody changed or deleted', () => {
    build();
    write('dist/src/functions/getClicks.js', 'console.log(0);\n');
    remove('dist/src/functions/getOrders.js');
    expect(build()).toBe(0);
    expect(readFileSync(join(folder, 'dist/src/functions/getClicks.js'), 'utf8')).toContain('console.log(1)');
    expect(compiled()).toEqual([...ofOthers, ...ofOrders].sort());
  });

  it('runs the compiler again after a failure', () => {
    build();
    write('src/functions/getClicks.ts', "console.log('a' * 2);\n");
    expect([build(), build()]).not.toContain(0);
  });

  it('comes before every command', () => {
    build();
    remove('src/functions/getOrders.ts');
    write('src/functions/getClicks.ts', 'console.log(3);\n');
    const { status, stdout } = run('node local/run.mjs node dist/src/functions/getClicks.js');
    expect([status, stdout]).toEqual([0, '3\n']);
    expect(compiled()).not.toContain('dist/src/functions/getOrders.js');
  });

  it.each(['e2e', 'interop', 'spark'])(
    'comes before the tests of %s, which run compiled commands',
    (script) => {
      // The small project has none of these tests.
      run(`npm run --silent ${script} -- --help`);
      expect(compiled()).toContain('dist/src/functions/getClicks.js');
    },
  );
});
