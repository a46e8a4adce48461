import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isAlive } from '../../local/isAlive';
import { makeProjectFolder } from './projectFolder';

/*
 * local/run.mjs in a small project whose `npm start` says its process id and runs until it is ended.
 */

let folder: string;
let npm: ChildProcess | undefined;

beforeAll(() => {
  folder = makeProjectFolder('run-');
  write('src/lib/dashboard/browser/main.ts', "document.title = 'Clicks';\n");
  write(
    'local/start.ts',
    `process.once('SIGTERM', () => { console.log('in order'); process.exit(7); });
     process.once('SIGINT', () => { console.log('in order'); process.exit(7); });
     console.log(\`wrapper \${process.ppid}, command \${process.pid}.\`);
     setInterval(() => {}, 1000);\n`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  if (npm?.pid !== undefined && npm.exitCode === null && npm.signalCode === null)
    process.kill(-npm.pid, 'SIGKILL');
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** Starts `npm start` in a process group of its own, and waits until the command runs. */
async function start() {
  const child = spawn('npm', ['start'], { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  npm = child;
  let text = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (chunk) => (text += chunk));
  await expect.poll(() => text, { timeout: 60_000 }).toMatch(/wrapper \d+, command \d+\./);
  const [wrapper = 0, command = 0] = [...text.matchAll(/(?:wrapper|command) (\d+)/g)].map(([, pid]) =>
    Number(pid),
  );
  return { pids: { npm: child.pid ?? 0, wrapper, command }, text: () => text, ended: once(child, 'close') };
}

it.each(['SIGTERM', 'SIGKILL'] as const)(
  '%s of npm ends also a build that goes on whatever it is told, and the command does not begin',
  { timeout: 60_000 },
  async (signal) => {
    onTestFinished(() => cpSync('local/build.mjs', join(folder, 'local/build.mjs')));
    write(
      'local/build.mjs',
      "process.on('SIGTERM', () => {}); console.log('build', process.pid); setInterval(() => {}, 1000);\n",
    );
    const child = spawn('npm', ['start'], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    npm = child;
    let text = '';
    for (const output of [child.stdout, child.stderr]) output.on('data', (chunk) => (text += chunk));
    const ended = once(child, 'close');
    await expect.poll(() => text, { timeout: 30_000 }).toMatch(/build \d+\n/);
    const build = Number(/build (\d+)/.exec(text)?.[1]);
    child.kill(signal);
    await expect.poll(() => isAlive(build), { timeout: 20_000 }).toBe(false);
    await ended;
    expect(text).not.toMatch(/command \d/);
  },
);

it('refuses to install into the folder to which node_modules is a link, and leaves that as it is', () => {
  const project = mkdtempSync(join(tmpdir(), 'linked-'));
  onTestFinished(() => rmSync(project, { recursive: true, force: true }));
  const packages = join(project, 'packages');
  mkdirSync(join(packages, 'kept'), { recursive: true });
  mkdirSync(join(project, 'app', 'local'), { recursive: true });
  for (const path of ['package.json', 'package-lock.json', 'local/oneAtATime.mjs', 'local/run.mjs'])
    cpSync(path, join(project, 'app', path));
  symlinkSync(packages, join(project, 'app', 'node_modules'));
  const run = () =>
    spawnSync(process.execPath, [join(project, 'app/local/run.mjs'), 'node', '--version'], {
      encoding: 'utf8',
      timeout: 30_000,
    });
  expect(run()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      /^node_modules is a link to \S+packages, .* remove the link, and run this again\.\n$/,
    ),
  });
  expect(existsSync(join(packages, 'kept'))).toBe(true);
  unlinkSync(join(project, 'app', 'node_modules'));
  symlinkSync(join(project, 'gone'), join(project, 'app', 'node_modules'));
  expect(run().stderr).toContain('node_modules is a link to a folder that is not there');
});

describe('whether node_modules has what package-lock.json names', () => {
  type Packages = Record<string, { version: string; optional?: boolean }>;

  /** Runs a command in a project with this lockfile. Its node_modules is a link, so that an installation is refused. */
  function runWith(change: (packages: Packages) => void) {
    const project = makeProjectFolder('lock-');
    onTestFinished(() => rmSync(project, { recursive: true, force: true }));
    const path = join(project, 'package-lock.json');
    const lockfile: { packages: Packages } = JSON.parse(readFileSync(path, 'utf8'));
    change(lockfile.packages);
    writeFileSync(path, JSON.stringify(lockfile));
    const command = ['local/run.mjs', 'npm', '--version'];
    return spawnSync(process.execPath, command, { cwd: project, encoding: 'utf8', timeout: 30_000 });
  }

  const refused = { status: 1, stderr: expect.stringContaining('lacks packages of package-lock.json') };

  it('is so with a lockfile of the same packages, however new it is', () => {
    expect(runWith(() => {})).toMatchObject({ status: 0, stderr: '' });
    const itself = (packages: Packages) => {
      packages[''] = { version: '9.9.9' };
    };
    expect(runWith(itself)).toMatchObject({ status: 0, stderr: '' });
    const optional = (packages: Packages) => {
      packages['node_modules/for-windows'] = { version: '1.0.0', optional: true };
    };
    expect(runWith(optional)).toMatchObject({ status: 0, stderr: '' });
  });

  it.each<[string, (packages: Packages) => void]>([
    [
      'has another version',
      (packages) => Object.assign(packages['node_modules/rhea'] ?? {}, { version: '0.1.0' }),
    ],
    [
      'has another content',
      (packages) => Object.assign(packages['node_modules/rhea'] ?? {}, { integrity: 'sha512-x' }),
    ],
    ['was added', (packages) => Object.assign(packages, { 'node_modules/new': { version: '1.0.0' } })],
    ['was removed', (packages) => void delete packages['node_modules/rhea']],
  ])('is not so if a package %s', (_what, change) => expect(runWith(change)).toMatchObject(refused));
});

describe('ending one process of npm start', { timeout: 90_000 }, () => {
  it.each([
    // Not SIGINT to npm alone: npm passes it on to its shell, and the shell to nobody.
    ['npm', 'SIGTERM'],
    ['npm', 'SIGKILL'],
    ['wrapper', 'SIGTERM'],
    ['wrapper', 'SIGINT'],
    ['wrapper', 'SIGKILL'],
    ['wrapper', 'SIGHUP'],
  ] as const)('ends all the others in order: %s, %s', async (which, signal) => {
    const { pids, text, ended } = await start();
    process.kill(pids[which], signal);
    await expect
      .poll(() => Object.entries(pids).filter(([, pid]) => isAlive(pid)), { timeout: 20_000 })
      .toEqual([]);
    await ended;
    expect(text()).toContain(signal === 'SIGHUP' ? 'wrapper' : 'in order');
  });

  it('gives the exit code of the command', async () => {
    const { pids } = await start();
    process.kill(pids.command, 'SIGTERM');
    const [code] = await once(npm as ChildProcess, 'exit');
    expect(code).toBe(7);
  });
});
