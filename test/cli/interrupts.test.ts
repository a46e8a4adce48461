import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';

/** Starts a process that has the module at hand as `interrupts`, and waits until it runs. */
async function run(script: string) {
  const module = JSON.stringify(resolve('dist/src/cli/commandLine/interrupts.js'));
  const code = `const interrupts = require(${module}); ${script}; setInterval(() => {}, 1000); console.log('runs');`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await expect.poll(() => text).toContain('runs');
  /** A Ctrl-C of a terminal that npm and local/run.mjs have passed on. */
  const interrupt = async () => {
    for (let times = 0; times < 3; times++) {
      child.kill('SIGINT');
      await sleep(20);
    }
  };
  return { child, interrupt, text: () => text };
}

/** Longer than signals count as the same one. */
const laterMs = 700;

it('a Ctrl-C that arrives three times counts as one', async () => {
  const { interrupt, text } = await run("interrupts.onInterrupt((count) => console.log('number', count))");
  await interrupt();
  await expect.poll(text).toContain('number 1\n');
  await sleep(laterMs);
  await interrupt();
  await expect.poll(text).toContain('number 2\n');
  expect(text()).not.toContain('number 3');
});

it('Ctrl-C pressed again and again counts more than once', async () => {
  const { child, text } = await run("interrupts.onInterrupt((count) => console.log('number', count))");
  for (let times = 0; times < 4; times++) {
    child.kill('SIGINT');
    await sleep(300);
  }
  await expect.poll(text).toContain('number 2\n');
});

it('work ends in order at the first Ctrl-C, and the process at the second', async () => {
  const script = `interrupts.untilInterrupted('Ended.').addEventListener('abort', (e) => console.log('in order:', e.target.reason.message))`;
  const { child, interrupt, text } = await run(script);
  const ended = once(child, 'exit');
  await interrupt();
  await expect.poll(text).toContain('in order: Ended.\n');
  await sleep(laterMs);
  expect(child.exitCode).toBeNull();
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
});
