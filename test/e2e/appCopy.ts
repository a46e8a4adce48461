import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readLocalSettings } from '../../src/cli/localSettings';
import { endCommand, type RunningCommand, runCommand, spawnCommand } from '../kit/runCommand';

const copied = [
  ...['src', 'local', 'test', 'bench', 'docs', 'deploy', 'samples', '.github', '.vscode'],
  ...[
    '.funcignore',
    '.gitignore',
    '.nvmrc',
    'ARCHITECTURE.md',
    'LICENSE',
    'CHANGELOG.md',
    'README.md',
    'azure.yaml',
    'biome.json',
    'package.json',
    'package-lock.json',
    'host.json',
    'local.settings.sample.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'vitest.config.mts',
    'vitest.slow.config.mts',
  ],
];

/** The tests whose results can depend on which streams there are, without those of commands, which take the longest. */
export const testsOfStreams = [
  ...['test/docs', 'test/functions', 'test/house', 'test/infra/checkTemplate.test.ts'],
  ...['ports', 'progress'].map((name) => `test/local/${name}.test.ts`),
  ...['app', 'doctor', 'health', 'lake', 'latest', 'streams'].map((folder) => `test/lib/${folder}`),
  'test/lib/settings.test.ts',
  'test/lib/warehouse/synapse/tables.test.ts',
  ...['appSettings', 'commandLine', 'doctor', 'everyCommand'].map((name) => `test/cli/${name}.test.ts`),
];

/** A copy of the project's sources in another folder, in which a test follows docs/add-a-stream.md. */
export class AppCopy {
  readonly folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  readonly #running: RunningCommand[] = [];

  constructor() {
    for (const path of copied) cpSync(path, join(this.folder, path), { recursive: true });
    symlinkSync(resolve('node_modules'), join(this.folder, 'node_modules'));
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8');
  }

  add(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  /** Deletes a file or folder. Throws if it does not exist. */
  remove(path: string): void {
    if (!existsSync(join(this.folder, path))) throw new Error(`There is no ${path} to remove.`);
    rmSync(join(this.folder, path), { recursive: true });
  }

  /** Does the same as `npm run build`. Throws with the compiler's output. */
  build(): Promise<void> {
    return this.#node('local/build.mjs');
  }

  /** Does the same as `npm run types`, which also checks the tests. Throws with the compiler's output. */
  checkTypes(): Promise<void> {
    return this.#node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.json');
  }

  /** Lints some files. Throws with the linter's output. */
  lint(...paths: string[]): Promise<void> {
    return this.#node('node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', ...paths);
  }

  /** Runs the tests in some files and folders. Throws with vitest's output. */
  test(...paths: string[]): Promise<void> {
    return this.#node('node_modules/vitest/vitest.mjs', 'run', ...paths);
  }

  /** Starts a script or a compiled command of the copy there. */
  run(file: string, ...args: string[]): RunningCommand {
    const command = runCommand(join(this.folder, file), args, this.folder);
    this.#running.push(command);
    return command;
  }

  /** Starts the system with `npm start`, on free ports, and waits until it counts events. */
  async start(...args: string[]): Promise<RunningCommand> {
    const usage = this.run('dist/local/start.js', '--help');
    await usage.ended;
    const ports = [...usage.text().matchAll(/--(?:\w+-)?port\b/g)].flatMap(([flag]) => [flag, '0']);
    const stack = this.run('dist/local/start.js', ...args, ...ports);
    await stack.until(/ emitted, /);
    return stack;
  }

  /** The settings of the running system. */
  settings(): Record<string, string> {
    return readLocalSettings(join(this.folder, '.local/settings.json'));
  }

  async delete(): Promise<void> {
    for (const command of this.#running) await endCommand(command);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
  }

  async #node(...argv: string[]): Promise<void> {
    // The project's own run has made many bodies up already: in a copy a few show that its streams are found.
    // Beside other tests, commands take longer than on a quiet machine.
    const env = { ...process.env, FUZZ_BODIES: '2000', TEST_TIMEOUT_MS: '120000' };
    const command = spawnCommand(process.execPath, argv, this.folder, env);
    this.#running.push(command);
    if ((await command.ended) !== 0) throw new Error(`${argv[0]} fails:\n${command.text()}`);
  }
}
