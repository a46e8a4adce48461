import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';

/** The files and folders at the top of the repository. Add a new one here with the reason why it must be at the top. */
const entries = [
  ...['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'LICENSE'],
  ...['src', 'test', 'local', 'bench', 'docs'],
  // Azure Functions and npm expect these files here.
  ...['host.json', 'local.settings.sample.json', 'package.json', 'package-lock.json', '.npmrc'],
  // Compiler, linter, test runner, Git and the build server expect these files here.
  ...['tsconfig.json', 'tsconfig.build.json', 'biome.json', 'vitest.config.mts', 'vitest.slow.config.mts'],
  ...['.gitignore', '.ci'],
  // azd expects this file here.
  'azure.yaml',
];
const optional = ['deploy', 'samples', '.funcignore', '.github', '.nvmrc', '.vscode'];

// Skip it in a download without Git's folder, which does not say which files belong to the repository.
it.skipIf(!existsSync('.git'))('has only the files and folders of the list', () => {
  const tracked = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0').filter(Boolean);
  const found = new Set(tracked.map((path) => path.split('/')[0] ?? ''));
  expect([...found].filter((entry) => !optional.includes(entry)).sort()).toEqual(entries.sort());
});
