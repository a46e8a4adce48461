import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';

/*
 * Checks the files that VS Code, GitHub and the deployment read. No other test would notice a mistake in them.
 */

const read = (path: string): string => readFileSync(path, 'utf8');
const json = (path: string) => JSON.parse(read(path));

interface Task {
  readonly label: string;
  readonly command?: string;
  readonly dependsOn?: string | readonly string[];
  readonly problemMatcher?: { readonly background?: { readonly endsPattern: string } };
}
interface Configuration {
  readonly name: string;
  readonly preLaunchTask: string;
  readonly program?: string;
  readonly args?: readonly string[];
}

const packageJson = json('package.json');
const tasks: readonly Task[] = json('.vscode/tasks.json').tasks;
const configurations: readonly Configuration[] = json('.vscode/launch.json').configurations;

describe('files of configuration', () => {
  it.each(['host.json', 'local.settings.sample.json', 'biome.json', ...globSync('.vscode/*.json')])(
    '%s is JSON',
    (path) => {
      expect(json(path)).toBeTypeOf('object');
    },
  );

  it.each([...globSync('.github/workflows/*.yml'), ...globSync('docs/*.yaml')])('%s is YAML', (path) => {
    const { errors, warnings } = parseDocument(read(path));
    expect([...errors, ...warnings]).toEqual([]);
  });
});

describe('.vscode', () => {
  const labels = tasks.map(({ label }) => label);

  it('names only tasks that there are', () => {
    const settings = json('.vscode/settings.json');
    const named = [
      settings['azureFunctions.preDeployTask'],
      settings['azureFunctions.postDeployTask'],
      ...configurations.map(({ preLaunchTask }) => preLaunchTask),
      ...tasks.flatMap(({ dependsOn = [] }) => dependsOn),
    ];
    expect(named.filter((name) => !labels.includes(name))).toEqual([]);
    expect(new Set(labels).size).toBe(labels.length);
  });

  it('runs only scripts that package.json has', () => {
    const named = tasks.flatMap(({ command }) => /^npm run (\S+)/.exec(command ?? '')?.[1] ?? []);
    expect(named).toContain('emulators');
    expect(named.filter((name) => packageJson.scripts[name] === undefined)).toEqual([]);
  });

  it('waits for the line by which the emulators say that they are ready', () => {
    const ready = tasks.find(({ label }) => label === 'emulators')?.problemMatcher?.background?.endsPattern;
    expect(read('local/emulators.ts')).toMatch(new RegExp(ready ?? '^$'));
  });

  it("gives the project's own host arguments that it takes", () => {
    const { program = '', args = [] } =
      configurations.find(({ program: path }) => path?.endsWith('host/main.js')) ?? {};
    const argv = [program, ...args].map((text) =>
      text
        .replace(/^\$\{workspaceFolder\}\/\.local/, 'no-such-folder')
        .replace(/^\$\{workspaceFolder\}/, process.cwd()),
    );
    const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 30_000 });
    expect(stderr.trim()).toBe('The settings file no-such-folder/settings.json does not exist.');
    expect(status).toBe(1);
  });
});

describe('the scripts of package.json', () => {
  it('hand all of their arguments on: npm would keep options to itself, and answer --help with its own', () => {
    const scripts = Object.values<string>(packageJson.scripts);
    const callers = scripts.filter((script) => /\bnpm run (?!.*&&)/.test(script));
    expect(callers.length).toBeGreaterThan(2);
    expect(callers.filter((script) => !script.endsWith(' --'))).toEqual([]);
  });

  it('show the help of the tests without running anything', () => {
    const argv = ['test/check.mjs', '--help'];
    const { stdout, status } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 30_000 });
    expect(stdout).toMatch(/^vitest\//);
    expect(stdout).not.toContain('npm test');
    expect(status).toBe(0);
  });
});

describe('the Node.js that is asked for', () => {
  it('is the same in .nvmrc and among the development dependencies', () => {
    expect(packageJson.devDependencies.node).toMatch(new RegExp(`^\\^${read('.nvmrc').trim()}\\.`));
  });

  it('is tried by the workflow from the oldest that package.json allows to the pinned one', () => {
    const workflow = parseDocument(read('.github/workflows/ci.yml')).toJS();
    const tried: number[] = workflow.jobs.test.strategy.matrix.include.map(
      ({ node }: { node: number }) => node,
    );
    expect(packageJson.engines.node).toBe(`>=${Math.min(...tried)}`);
    expect(String(Math.max(...tried))).toBe(read('.nvmrc').trim());
  });
});

describe('the workflow', () => {
  it('runs the commands of the documents', () => {
    const workflow = read('.github/workflows/ci.yml');
    for (const command of [
      'npm test',
      'npm run test:browser',
      'npm run test:e2e',
      'npm run test:interop',
      'npm start -- --for 20s',
      'npm run chaos -- ',
    ])
      expect(workflow).toContain(`run: ${command}`);
  });
});

describe('.funcignore', () => {
  const ignored = read('.funcignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  /** The lines are plain paths from the root, because all tools read these in the same way. */
  const isIgnored = (path: string) => ignored.some((line) => `/${path}/`.startsWith(`${line}/`));

  it('keeps secrets and local data at home', () => {
    expect(['local.settings.json', '.local', '.git'].filter((path) => !isIgnored(path))).toEqual([]);
  });

  it('knows every folder and file that the repository has at its top', () => {
    const { stdout } = spawnSync('git', ['ls-files'], { encoding: 'utf8' });
    const top = new Set(stdout.split('\n').map((path) => path.split('/')[0] ?? ''));
    const deployed = ['', '.funcignore', 'LICENSE', 'host.json', 'package-lock.json', 'package.json'];
    expect([...top].filter((path) => !isIgnored(path) && !deployed.includes(path))).toEqual([]);
  });

  it('deploys what the app needs, and nothing else of dist', () => {
    expect(ignored.filter((line) => !/^\/[\w./-]+$/.test(line))).toEqual([]);
    const needed = ['host.json', 'package.json', 'dist/src', 'node_modules'];
    expect(needed.filter(isIgnored)).toEqual([]);
    expect(globSync('dist/*').filter((path) => !isIgnored(path))).toEqual(['dist/src']);
    expect(existsSync('dist/src/index.js')).toBe(true);
  });
});
