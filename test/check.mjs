// What `npm test` runs: lint, types, build and tests, one after the other, and how long each took. Arguments go to the tests.
import { spawnSync } from 'node:child_process';

const steps = [
  ['lint', 'npm', ['run', '--silent', 'lint']],
  ['types', 'npm', ['run', '--silent', 'types']],
  ['build', 'npm', ['run', '--silent', 'build']],
  ['tests', 'vitest', ['run', ...process.argv.slice(2)]],
];

const seconds = (since) => Math.round((performance.now() - since) / 1000);

const started = performance.now();
const times = [];
for (const [name, command, args] of steps) {
  const begun = performance.now();
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  times.push(`${name} ${seconds(begun)} s`);
  if (status === 0) continue;
  console.error(`npm test failed at ${name}, after ${seconds(started)} s.`);
  process.exit(1);
}
console.log(`npm test passed in ${seconds(started)} s: ${times.join(', ')}.`);
