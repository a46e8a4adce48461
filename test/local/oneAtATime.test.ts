import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, uptime } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';

/*
 * Commands that begin at the same time in a project that is not installed. Its package is in a folder of its own, so that `npm ci` needs no
 * network, and each installation writes a letter into the file `installations`.
 */

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'turns-'));
  mkdirSync(join(folder, 'local'));
  mkdirSync(join(folder, 'compiler'));
  for (const path of ['local/run.mjs', 'local/oneAtATime.mjs']) cpSync(path, join(folder, path));
  const compiler = { name: 'typescript', version: '1.0.0' };
  writeFileSync(join(folder, 'compiler/package.json'), JSON.stringify(compiler));
  writeFileSync(join(folder, 'local/build.mjs'), '');
  writeFileSync(
    join(folder, 'installed.mjs'),
    "import { appendFileSync } from 'node:fs'; appendFileSync('installations', 'x'); setTimeout(() => {}, 1000);",
  );
  const scripts = { postinstall: 'node installed.mjs' };
  const project = { name: 'project', version: '1.0.0', scripts };
  const packages = {
    '': { ...project, hasInstallScript: true, dependencies: { typescript: 'file:compiler' } },
    compiler,
    'node_modules/typescript': { resolved: 'compiler', link: true },
  };
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ ...project, dependencies: { typescript: 'file:compiler' } }),
  );
  writeFileSync(
    join(folder, 'package-lock.json'),
    JSON.stringify({ name: 'project', version: '1.0.0', lockfileVersion: 3, requires: true, packages }),
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function run() {
  const child = spawn(process.execPath, ['local/run.mjs', 'node', '-p', '6 * 7'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr };
}

it('of two commands that begin at once, one installs and the other says for whom it waits', async () => {
  const [one, other] = await Promise.all([run(), run()]);
  expect([one.stdout, other.stdout]).toEqual(['42\n', '42\n']);
  expect(readFileSync(join(folder, 'installations'), 'utf8')).toBe('x');
  expect(one.stderr + other.stderr).toMatch(
    /Process \d+ installs or builds in this folder: waiting for it… If that is another program, delete the file \S+\.preparing\.\n/,
  );
  expect(existsSync(join(folder, '.preparing'))).toBe(false);
}, 120_000);

it.each([
  [
    'a command that was killed while it installed',
    () => spawnSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).stdout,
    0,
  ],
  [
    'a restart of the machine, after which its id is that of another process',
    () => String(process.pid),
    uptime() + 60,
  ],
])(
  '%s does not hold up the next one',
  async (_what, holder, secondsAgo) => {
    const lock = join(folder, '.preparing');
    writeFileSync(lock, holder().trim());
    const made = Date.now() / 1000 - secondsAgo;
    utimesSync(lock, made, made);
    const { stdout, stderr } = await run();
    expect(stdout).toBe('42\n');
    expect(stderr).not.toContain('waiting');
  },
  120_000,
);
