// Compiles the project into dist/, and deletes what was compiled there from sources that are gone: the Functions host loads every
// file of dist/src/functions, so a deleted function would go on running, and would be deployed. Nothing else is deleted, and nothing
// where the compiler fails, because a host may be running from dist/ meanwhile.
// Plain JavaScript, because it runs before anything is compiled.
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

/** Whether what a file of dist/ was compiled or copied from is not there. */
function isStale(output) {
  const source = /\.json$/.test(output) ? output : output.replace(/\.js(\.map)?$/, '.ts');
  return /\.(js|map|json)$/.test(output) && !existsSync(join(root, source));
}

// They are looked for before compiling as well as after it: the compiler keeps a record of what it has written, and does not write
// again what is deleted behind its back. A source that vanishes while it compiles is left to the next build.
const stale = existsSync(dist) ? readdirSync(dist, { recursive: true }).filter(isStale) : [];
compile('tsconfig.build.json');
compile(join('src', 'lib', 'dashboard', 'browser'));
for (const output of stale.filter(isStale)) rmSync(join(dist, output), { force: true });
