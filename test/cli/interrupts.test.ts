import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';

/** Starts a process that has the modules at hand as `interrupts` and `longTask`, and waits until it runs. */
async function run(script: string) {
  const required = ['commandLine/interrupts', 'longTask'].map(
    (name) =>
      `const ${name.replace(/.*\//, '')} = require(${JSON.stringify(resolve(`dist/src/cli/${name}.js`))});`,
  );
  const code = `${required.join('')} ${script}; setInterval(() => {}, 1000); console.log('runs');`;
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
  const script = `interrupts.untilInterrupted('Ended.', (signal) => new Promise(() =>
    signal.addEventListener('abort', () => console.log('in order:', signal.reason.message))))`;
  const { child, interrupt, text } = await run(script);
  const ended = once(child, 'exit');
  await interrupt();
  await expect.poll(text).toContain('in order: Ended.\n');
  await sleep(laterMs);
  expect(child.exitCode).toBeNull();
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
});

it('Ctrl-C ends the reading of files with a sentence, and later work as before', async () => {
  const script = `
    const { setTimeout: sleep } = require('node:timers/promises');
    const read = async (onFile) => { for (;;) { onFile(1, 2); await sleep(10); } };
    longTask.showFiles('clicks: file', read).catch(({ message }) => console.log('told:', message))`;
  const { child, text } = await run(script);
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await expect.poll(text).toContain('told: Ended before all files were read.\n');
  await sleep(laterMs);
  child.kill('SIGINT');
  expect(await ended).toEqual([null, 'SIGINT']);
});

it.each(['SIGINT', 'SIGTERM'] as const)(
  'a server closes in order at the first %s, and its process ends at the second',
  async (signal) => {
    const { child, text } = await run(
      "interrupts.untilAskedToEnd().then(() => console.log('closes in order'))",
    );
    const ended = once(child, 'exit');
    child.kill(signal);
    await expect.poll(text).toContain('closes in order\n');
    await sleep(laterMs);
    expect(child.exitCode).toBeNull();
    child.kill(signal);
    expect(await ended).toEqual([130, null]);
  },
);
