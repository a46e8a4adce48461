import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readLocalSettings } from '../../src/cli/localSettings';
import { endCommand, type RunningCommand, runCommand } from '../kit/runCommand';

const copied = [
  ...['src', 'local', 'test', 'bench', 'docs', 'deploy', '.github'],
  ...[
    'ARCHITECTURE.md',
    'biome.json',
    'package.json',
    'host.json',
    'local.settings.sample.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'vitest.config.mts',
    'vitest.slow.config.mts',
  ],
];

const testsOfStreams = [
  'test/cli/appSettings.test.ts',
  'test/docs/paths.test.ts',
  'test/functions/registration.test.ts',
  'test/house',
  'test/lib/settings.test.ts',
  'test/lib/streams',
  'test/lib/warehouse/synapse/tables.test.ts',
];

/** A copy of the project's sources in another folder, in which a test follows docs/add-a-stream.md. */
export class AppCopy {
  readonly folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  readonly #running: RunningCommand[] = [];

  constructor() {
    for (const path of copied) cpSync(path, join(this.folder, path), { recursive: true });
    symlinkSync(resolve('node_modules'), join(this.folder, 'node_modules'));
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
  build(): void {
    this.#node('local/build.mjs');
  }

  /** Does the same as `npm run types`, which also checks the tests. Throws with the compiler's output. */
  checkTypes(): void {
    this.#node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.json');
  }

  /** Lints some files. Throws with the linter's output. */
  lint(...paths: string[]): void {
    this.#node('node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', ...paths);
  }

  /** Runs the tests that work with all streams of the project, and further ones. Throws with vitest's output. */
  testStreams(...further: string[]): void {
    this.#node('node_modules/vitest/vitest.mjs', 'run', ...testsOfStreams, ...further);
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

  #node(...argv: string[]): void {
    // The project's own run has made many bodies up already: in a copy a few show that its streams are found.
    const env = { ...process.env, FUZZ_BODIES: '2000' };
    try {
      execFileSync(process.execPath, argv, { cwd: this.folder, encoding: 'utf8', stdio: 'pipe', env });
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string };
      throw new Error(`${argv[0]} fails:\n${stdout}${stderr}`);
    }
  }
}
