// Runs a command of the project on the project's own Node.js. Installs and builds first if something is missing.
// This is plain JavaScript without dependencies, because it must work before anything is installed.
//
//   node local/run.mjs node dist/local/start.js --for 20s
//   node local/run.mjs npm run check
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAlive, waitForTurn } from './oneAtATime.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
const windows = process.platform === 'win32';
const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];

function fail(message) {
  console.error(message);
  process.exit(1);
}

function refuseWithoutNpm() {
  if (isNpmGone()) fail('npm was ended, so the command does not begin.');
}

/** Runs a step that must come before the command. */
async function run(command, args, describe) {
  const code = await follow([command, ...args], ['ignore', 2, 2], 5000);
  refuseWithoutNpm();
  if (endedBy) process.exit(128 + constants.signals[endedBy]);
  if (code !== 0) fail(`${describe} failed; see above.`);
}

/** Refuses a node_modules that is a link: `npm ci` would empty the folder to which it leads, which may belong to another project. */
function refuseLink() {
  const folder = join(root, 'node_modules');
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const target = existsSync(folder) ? realpathSync(folder) : 'a folder that is not there';
  fail(
    `node_modules is a link to ${target}, which lacks packages of package-lock.json, and "npm ci" would empty it: remove the link, and run this again.`,
  );
}

/** The packages that a lockfile names, by their folders; none if it cannot be read. The project's own entry, "", is left out. */
function packagesIn(...path) {
  try {
    const { '': _project, ...packages } = JSON.parse(readFileSync(join(root, ...path), 'utf8')).packages;
    return packages;
  } catch {
    return {};
  }
}

/**
 * Whether node_modules has the packages of package-lock.json in their versions. npm records there what it has installed. Comparing times
 * would not be enough, because a lockfile that was copied or checked out is newer and may still be the same.
 */
function isInstalled() {
  const wanted = packagesIn('package-lock.json');
  const found = packagesIn('node_modules', '.package-lock.json');
  // npm does not install optional packages that are made for other platforms.
  const isThere = ([path, { version, integrity, optional, devOptional }]) =>
    found[path] ? isSame(found[path], { version, integrity }) : Boolean(optional || devOptional);
  // An extraneous package was added by somebody with `npm install --no-save`.
  const isWanted = ([path, { extraneous }]) => extraneous || path in wanted;
  const [toInstall, installed] = [Object.entries(wanted), Object.entries(found)];
  return installed.length > 0 && toInstall.every(isThere) && installed.every(isWanted);
}

const isSame = (found, { version, integrity }) => found.version === version && found.integrity === integrity;

async function install() {
  if (isInstalled()) return;
  refuseLink();
  const letNextBegin = await waitForTurn(root, refuseWithoutNpm);
  // Another command may have installed meanwhile.
  if (!isInstalled()) await installNow();
  letNextBegin();
}

/**
 * Options with which `npm ci` gives up within seconds if there is no network, and after 30 s if a request gets no answer. By default it
 * waits ten times as long.
 */
const networkLimits = [
  ...['--fetch-timeout=30000', '--fetch-retries=2'],
  ...['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'],
];

async function installNow() {
  console.error(
    'Installing dependencies (npm ci)… If this takes more than a few minutes, see with "npm ping" whether npm reaches its registry.',
  );
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  await run(npm[0], [...npm.slice(1), 'ci', ...quiet, ...networkLimits], 'npm ci');
}

function checkNode() {
  const found = spawnSync('node', ['--version'], { cwd: root, env, encoding: 'utf8', shell: windows });
  const version = (found.stdout ?? '').trim();
  if (Number(version.slice(1).split('.')[0]) >= 22) return;
  fail(
    `Node ${version || '(none)'} is too old and the pinned one is missing: run "npm ci" without --ignore-scripts, or install Node 22 or newer.`,
  );
}

/** The process id of npm. It is this process's parent or, if there is a shell between them, the parent of that shell. */
function findNpm() {
  const { stdout } = spawnSync('ps', ['-o', 'ppid=,args=', '-p', String(process.ppid)], { encoding: 'utf8' });
  const [, ofShell] = /^\s*(\d+)\s+\S*sh -c /.exec(stdout ?? '') ?? [];
  return Number(ofShell ?? process.ppid);
}

const above =
  process.env.npm_lifecycle_event && !windows ? { parent: process.ppid, npm: findNpm() } : undefined;
/**
 * Whether npm has ended. If npm is killed, no signal comes, or only the shell between npm and this process gets one, which does not pass it
 * on.
 */
const isNpmGone = () => above !== undefined && (process.ppid !== above.parent || !isAlive(above.npm));

/** The last signal that asked this process to end. */
let endedBy;

/**
 * Runs a program to its end, and resolves to its exit code. Signals to this process are passed on to the program, so that it ends in order.
 * If npm has ended, the program is ended too. A Ctrl-C of a terminal reaches the program twice, which counts as once.
 * @param patienceMs how long after a signal the program is killed. Without it, the program may take as long as it needs to end. `npm ci`
 * without a network takes minutes.
 */
function follow(argv, stdio, patienceMs) {
  const child = spawn(argv[0], argv.slice(1), { cwd: root, env, stdio, shell: windows });
  const end = (signal) => {
    child.kill(signal);
    if (patienceMs !== undefined) setTimeout(() => child.kill('SIGKILL'), patienceMs).unref();
  };
  const passOn = (signal) => {
    endedBy = signal;
    end(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, passOn);
  const watch = setInterval(() => {
    if (!isNpmGone()) return;
    clearInterval(watch);
    end('SIGTERM');
  }, 250);
  return new Promise((done) => {
    child.on('error', (error) => fail(`${argv[0]}: ${error.message}`));
    child.on('exit', (code, signal) => {
      clearInterval(watch);
      for (const each of signals) process.off(each, passOn);
      done(signal ? 128 + (constants.signals[signal] ?? 0) : (code ?? 1));
    });
  });
}

await install();
checkNode();
const [command, ...args] = process.argv.slice(2);
if (command === 'node') await run('node', [join('local', 'build.mjs')], 'The build');

const argv = command === 'npm' ? [...npm, ...args] : [command, ...args];
// If this process is killed, it cannot end the command. This code runs in the command, and ends it when the channel between them closes.
const endWithWrapper = `data:text/javascript,${encodeURIComponent(
  "process.on('disconnect',()=>process.kill(process.pid,'SIGTERM'));process.channel?.unref()",
)}`;
const isNode = command === 'node' && !windows;
if (isNode) argv.splice(1, 0, '--import', endWithWrapper);
process.exit(await follow(argv, ['inherit', 'inherit', 'inherit', ...(isNode ? ['ipc'] : [])]));
