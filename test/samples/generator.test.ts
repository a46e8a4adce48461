import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('#'));

it('Docker gets no file that is not in the repository, such as settings with secrets', () => {
  const own = linesOf('.gitignore').map((line) => `**/${line.replace(/\/$/, '')}`);
  expect(own).toContain('**/local.settings.json');
  expect(linesOf('samples/generator/Dockerfile.dockerignore')).toEqual(['.git', ...own]);
});
