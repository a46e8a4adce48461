import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(__dirname, '../../..');
const main = join(root, 'dist/local/host/main.js');

/** A host in a process of its own: there can be one app per process. */
export interface HostProcess {
  url: string;
  pid: number;
  /** Everything printed so far. */
  output(): string;
  /** The lines that contain the text. */
  lines(text: string): string[];
  /** Sends a signal and resolves with the exit code, null after a kill. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface AppOptions {
  /** Source of the app's only file, CommonJS; `app` is imported already. */
  source: string;
  hostJson?: Record<string, unknown>;
}

export interface AppFolder {
  dir: string;
  remove(): void;
}

/** Writes an app into a new folder, where the project's packages resolve. */
export function writeApp(options: AppOptions): AppFolder {
  const dir = mkdtempSync(join(tmpdir(), 'host-app-'));
  mkdirSync(join(dir, 'functions'));
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ main: '{index.js,functions/*.js}' }));
  writeFileSync(join(dir, 'host.json'), JSON.stringify({ version: '2.0', ...options.hostJson }));
  const source = `const { app, trigger } = require('@azure/functions');\n${options.source}`;
  writeFileSync(join(dir, 'functions', 'app.js'), source);
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

export interface HostProcessOptions {
  dir: string;
  settings?: Record<string, string>;
  port?: number;
  instance?: string;
  group?: string;
}

/** Starts the host. Without a ready line, it rejects with the host's output. */
export async function startHostProcess(options: HostProcessOptions): Promise<HostProcess> {
  const { child, output, exited } = spawnHost(options);
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const ready = /host ready on (\S+)/.exec(output())?.[1];
      if (ready) resolve(ready);
    };
    child.stdout?.on('data', look);
    void exited.then((code) => reject(new Error(`The host ended with ${code}: ${output()}`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    output,
    lines: (text) =>
      output()
        .split('\n')
        .filter((line) => line.includes(text)),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
  };
}

/** Runs a host that is expected to end by itself. */
export async function runHostProcess(
  options: HostProcessOptions,
): Promise<{ code: number | null; output: string }> {
  const { output, exited } = spawnHost(options);
  const code = await exited;
  return { code, output: output() };
}

function spawnHost(options: HostProcessOptions): {
  child: ChildProcess;
  output: () => string;
  exited: Promise<number | null>;
} {
  const args = [main, '--app', options.dir, '--port', String(options.port ?? 0)];
  if (options.instance !== undefined) args.push('--instance', options.instance);
  if (options.group !== undefined) args.push('--group', options.group);
  const settingsDir = mkdtempSync(join(tmpdir(), 'host-settings-'));
  const settingsFile = join(settingsDir, 'local.settings.json');
  writeFileSync(settingsFile, JSON.stringify({ IsEncrypted: false, Values: options.settings ?? {} }));
  args.push('--settings', settingsFile);
  const child = spawn(process.execPath, args, { cwd: dirname(main), stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  const exited = new Promise<number | null>((resolve) =>
    child.once('close', (code) => {
      rmSync(settingsDir, { recursive: true, force: true });
      resolve(code);
    }),
  );
  return { child, output: () => text, exited };
}
