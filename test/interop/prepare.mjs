// Makes the Python environment of the interop tests, unless it is there. Plain JavaScript, run before vitest, so that what is
// missing shows as one line.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, '..', '..', 'node_modules', '.cache', 'interop-venv');
const python = join(
  folder,
  ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']),
);
const requirementsFile = join(here, 'requirements.txt');
const requirements = readFileSync(requirementsFile, 'utf8');
/** Written last, so an environment whose making was interrupted is made again. */
const marker = join(folder, 'requirements.installed');

function run(command, args, whatFor) {
  const done = spawnSync(command, args, { encoding: 'utf8' });
  if (done.status === 0) return;
  const lines = (done.stderr || done.error?.message || '').trim().split('\n');
  const why = lines.find((line) => line.startsWith('ERROR')) ?? lines.at(-1) ?? `exit code ${done.status}`;
  console.error(`The interop tests need ${whatFor}: ${why}`);
  process.exit(1);
}

if (!existsSync(marker) || readFileSync(marker, 'utf8') !== requirements) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  const system = process.env.PYTHON ?? (process.platform === 'win32' ? 'python' : 'python3');
  console.log('Making the Python environment of the interop tests…');
  run(system, ['-m', 'venv', folder], 'Python 3.10 or newer with its venv module (PYTHON names another one)');
  run(
    python,
    ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', '--requirement', requirementsFile],
    `Python's packages ${requirements.trim().split('\n').join(' and ')}`,
  );
  writeFileSync(marker, requirements);
}
