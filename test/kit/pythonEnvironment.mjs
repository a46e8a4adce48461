// Makes a Python environment for tests, unless it is there. Plain JavaScript, run before vitest, so that what is missing shows
// as one line.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cache = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'node_modules', '.cache');

/**
 * Runs a command that is a step of making an environment. If it fails, ends this process with one line.
 * @param who what needs it, like "The interop tests"
 */
export function run(command, args, { who, whatFor }) {
  const done = spawnSync(command, args, { encoding: 'utf8' });
  if (done.status === 0) return;
  const lines = (done.stderr || done.error?.message || '').trim().split('\n');
  const why = lines.find((line) => line.startsWith('ERROR')) ?? lines.at(-1) ?? `exit code ${done.status}`;
  console.error(`${who} need ${whatFor}: ${why}`);
  process.exit(1);
}

/** @param name the folder's name in node_modules/.cache */
export function preparePython({ who, name, requirementsFile }) {
  const folder = join(cache, name);
  const python = join(
    folder,
    ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']),
  );
  const requirements = readFileSync(requirementsFile, 'utf8');
  // It is written last, so an environment whose making was interrupted is made again.
  const marker = join(folder, 'requirements.installed');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === requirements) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  const system = process.env.PYTHON ?? (process.platform === 'win32' ? 'python' : 'python3');
  console.log(`Making the Python environment in node_modules/.cache/${name}…`);
  run(system, ['-m', 'venv', folder], {
    who,
    whatFor: 'Python 3.10 or newer with its venv module (PYTHON names another one)',
  });
  const install = ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet'];
  run(python, [...install, '--requirement', requirementsFile], {
    who,
    whatFor: `Python's packages ${requirements.trim().split('\n').join(' and ')}`,
  });
  writeFileSync(marker, requirements);
}
