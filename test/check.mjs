// What `npm test` runs: lint, types, build and tests, one after the other, and how long each took. Arguments go to the tests. `--help` is
// only the help of the tests.
import { spawnSync } from 'node:child_process';

const args = process.argv.slice(2);
const all = [
  ['lint', 'npm', ['run', '--silent', 'lint']],
  ['types', 'npm', ['run', '--silent', 'types']],
  ['build', 'npm', ['run', '--silent', 'build']],
  ['tests', 'vitest', ['run', ...args]],
];
const steps = args.includes('--help') ? all.slice(-1) : all;

const seconds = (since) => Math.round((performance.now() - since) / 1000);

const started = performance.now();
const times = [];
for (const [name, command, words] of steps) {
  const begun = performance.now();
  const { status } = spawnSync(command, words, { stdio: 'inherit', shell: process.platform === 'win32' });
  times.push(`${name} ${seconds(begun)} s`);
  if (status === 0) continue;
  console.error(`npm test failed at ${name}, after ${seconds(started)} s.`);
  process.exit(1);
}
if (steps === all) console.log(`npm test passed in ${seconds(started)} s: ${times.join(', ')}.`);
