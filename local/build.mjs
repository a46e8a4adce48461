// Compiles the project into dist/, and deletes files there whose source is gone. The Functions host loads every file of
// dist/src/functions, so a deleted function would otherwise go on running and be deployed. No other file is deleted, and none if
// the compiler fails, because a host may be running from dist/ meanwhile.
// This is plain JavaScript, because it runs before anything is compiled.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

function compile(project) {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', project], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** Whether the source of a file of dist/ is gone. */
function isStale(output) {
  const source = /\.json$/.test(output) ? output : output.replace(/\.js(\.map)?$/, '.ts');
  return /\.(js|map|json)$/.test(output) && !existsSync(join(root, source));
}

// A file is deleted only if its source was gone before the compilation too. If a source vanishes while the compiler runs, its
// output is left to the next build: the compiler has recorded it as written, and would not write it again if the source came back.
const stale = existsSync(dist) ? readdirSync(dist, { recursive: true }).filter(isStale) : [];
compile('tsconfig.build.json');
compile(join('src', 'lib', 'dashboard', 'browser'));
for (const output of stale.filter(isStale)) rmSync(join(dist, output), { force: true });
