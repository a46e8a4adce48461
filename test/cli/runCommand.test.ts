import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

/** Runs a command whose action has this body, and reads what it prints slowly. */
async function run(body: string): Promise<{ code: number | null; length: number }> {
  const module = JSON.stringify(resolve('dist/src/cli/commandLine/runCommand.js'));
  const script = `require(${module}).runCommand({ call: 'npm run x', does: { meaning: '', run: async () => { ${body} } } }, [])`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let length = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    length += chunk.length;
    child.stdout.pause();
    setTimeout(() => child.stdout.resume(), 20);
  });
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, length };
}

it('a command ends although a connection that nobody needs any more is open', async () => {
  expect(await run("require('node:net').createServer().listen(0, '127.0.0.1'); return 1;")).toEqual({
    code: 1,
    length: 0,
  });
});

it('all that it has printed arrives before', async () => {
  const body = "setInterval(() => {}, 1000); console.log('x'.repeat(3_000_000)); return 0;";
  expect(await run(body)).toEqual({ code: 0, length: 3_000_001 });
});
