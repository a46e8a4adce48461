// Compiles the project into dist/, and deletes files there whose source is gone. The Functions host loads every file of
// dist/src/functions, so a deleted function would otherwise go on running and be deployed. No other file is deleted, and none if
// the compiler fails, because a host may be running from dist/ meanwhile.
// Does nothing if sources, packages, Node.js and dist/ are as the last build left them, because every command builds first.
// This is plain JavaScript, because it runs before anything is compiled.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitForTurn } from './oneAtATime.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
/** The file with the hashes of the last build's sources and of its output. */
const record = join(dist, '.build');
/** Everything that a build depends on: all that the compiler may read, and the installed packages, one of which is the compiler. */
const sources = [
  ...['src', 'local', 'bench', 'test', 'tsconfig.json', 'tsconfig.build.json'],
  ...['package.json', 'package-lock.json', join('node_modules', '.package-lock.json')],
];

function compile(project) {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', project], { cwd: root, stdio: 'inherit' });
  if (status === 0) return;
  writeRecord('failed');
  process.exit(status ?? 1);
}

/** Whether the source of a file of dist/ is gone. */
function isStale(output) {
  const source = /\.json$/.test(output) ? output : output.replace(/\.js(\.map)?$/, '.ts');
  return /\.(js|map|json)$/.test(output) && !existsSync(join(root, source));
}

/** All files at a path of the project, which may be a file, a folder or nothing. */
function filesAt(path) {
  const stats = statSync(join(root, path), { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return stats ? [path] : [];
  const entries = readdirSync(join(root, path), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(root, join(parentPath, name)));
}

const hashOf = (contents) => createHash('sha256').update(contents).digest('hex');

/** A hash of the sources' contents: their times change with every checkout, and may stay when the contents change. */
function hashOfSources() {
  const paths = sources.flatMap(filesAt).filter((path) => !path.endsWith('.test.ts'));
  const lines = paths.sort().map((path) => `${path} ${hashOf(readFileSync(join(root, path)))}`);
  return hashOf([process.version, ...lines].join('\n'));
}

/** A hash of the names, sizes and times of the files in dist/, which only a build should touch. */
function hashOfOutput() {
  const paths = filesAt('dist').filter((path) => join(root, path) !== record);
  const lines = paths.sort().map((path) => {
    const { size, mtimeMs } = statSync(join(root, path));
    return `${path} ${size} ${mtimeMs}`;
  });
  return hashOf(lines.join('\n'));
}

function readRecord() {
  const [builtFrom, output] = existsSync(record) ? readFileSync(record, 'utf8').split('\n') : [];
  return { builtFrom, output };
}

function writeRecord(builtFrom) {
  mkdirSync(dist, { recursive: true });
  writeFileSync(record, `${builtFrom}\n${hashOfOutput()}\n`);
}

/** The hash of the sources, and whether sources and dist/ are as the last build left them. */
function look() {
  const hash = hashOfSources();
  const last = readRecord();
  const isUntouched = last.output === hashOfOutput();
  return { hash, isUntouched, isBuilt: isUntouched && last.builtFrom === hash };
}

if (look().isBuilt) process.exit(0);
await waitForTurn(root);
// Another command may have built meanwhile.
const { hash, isUntouched, isBuilt } = look();
if (isBuilt) process.exit(0);
// The compiler writes only what it believes to have changed. Without this file, it also restores files that somebody has changed or
// deleted.
if (!isUntouched) rmSync(join(dist, '.tsbuildinfo'), { force: true });
// A file is deleted only if its source was gone before the compilation too. If a source vanishes while the compiler runs, its
// output is left to the next build: the compiler has recorded it as written, and would not write it again if the source came back.
const stale = existsSync(dist) ? readdirSync(dist, { recursive: true }).filter(isStale) : [];
compile('tsconfig.build.json');
compile(join('src', 'lib', 'dashboard', 'browser'));
for (const output of stale.filter(isStale)) rmSync(join(dist, output), { force: true });
// The hash is from before the compilation. If a source has changed since, the next build compiles again.
writeRecord(hash);
