import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { UsageError } from '../../src/cli/commandLine/command';
import { plant } from '../chaos/plant';
import { type KnownFault, sqlFaults } from './sqlFaults';

/** The files and folders of the project that the tests need. */
const copied = [
  'src',
  'test',
  'local',
  'deploy',
  'dist',
  'package.json',
  'tsconfig.json',
  'vitest.config.mts',
];

/**
 * Plants each known fault alone in a copy of the project, and runs its tests, which must fail. Without a fault, all of them must pass.
 * @param part only faults with this in their names
 * @returns how many faults no test noticed
 * @throws UsageError if there is none; Error if tests fail without a fault, or the text that a fault replaces is not there (any more)
 */
export function tryKnownFaults(part: string): number {
  const faults = Object.entries(sqlFaults).filter(([name]) => name.includes(part));
  if (faults.length === 0)
    throw new UsageError(
      `--in ${part}: no known mistake has this in its name. The names stand in test/mutants/sqlFaults.ts.`,
    );
  const folder = mkdtempSync(join(tmpdir(), 'planted-'));
  try {
    for (const path of copied) cpSync(path, join(folder, path), { recursive: true });
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    const all = [...new Set(faults.flatMap(([, { tests }]) => tests))];
    if (!pass(folder, all, 'inherit')) throw new Error('Tests fail without a fault; see above.');
    const unnoticed = faults.filter(([name, fault]) => {
      const isNoticed = tryFault(folder, fault);
      console.log(`${isNoticed ? 'noticed' : 'NOT NOTICED'}: ${name}`);
      return !isNoticed;
    });
    console.log(`Tests noticed ${faults.length - unnoticed.length} of ${faults.length} known faults.`);
    return unnoticed.length;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tryFault(folder: string, fault: KnownFault): boolean {
  const path = join(folder, fault.file);
  const source = readFileSync(path);
  plant(path, fault);
  try {
    return !pass(folder, fault.tests);
  } finally {
    writeFileSync(path, source);
  }
}

function pass(folder: string, tests: readonly string[], stdio: 'ignore' | 'inherit' = 'ignore'): boolean {
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--bail', '1', ...tests];
  return spawnSync(process.execPath, args, { cwd: folder, stdio }).status === 0;
}
