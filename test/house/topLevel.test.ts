import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';

/** What stands at the top of the repository. A new entry is added here, with a reason to be where everybody sees it first. */
const entries = [
  ...['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'LICENSE'],
  ...['src', 'test', 'local', 'bench', 'docs'],
  // Azure Functions and npm look for these here.
  ...['host.json', 'local.settings.sample.json', 'package.json', 'package-lock.json', '.npmrc'],
  // So do compiler, linter, test runner, Git and the build server.
  ...['tsconfig.json', 'tsconfig.build.json', 'biome.json', 'vitest.config.mts', 'vitest.interop.config.mts'],
  ...['.gitignore', '.ci'],
];
const optional = ['deploy', 'samples', '.funcignore', '.github', '.nvmrc', '.vscode'];

// A download without Git's folder does not say which files are the repository's.
it.skipIf(!existsSync('.git'))('holds what everybody looks for, and nothing else', () => {
  const tracked = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0').filter(Boolean);
  const found = new Set(tracked.map((path) => path.split('/')[0] ?? ''));
  expect([...found].filter((entry) => !optional.includes(entry)).sort()).toEqual(entries.sort());
});
