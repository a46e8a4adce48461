import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { loadPortFlags } from '../../local/ports';

/*
 * `npm start` on a terminal, which `script` of util-linux provides.
 */

const hasTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux');

it.runIf(hasTerminal)(
  'npm start draws its state in place on a terminal, and ends cleanly on Ctrl-C',
  {
    timeout: 120_000,
  },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 }));
    const ports = ['port', ...Object.keys(await loadPortFlags())].map((flag) => `--${flag} 0`).join(' ');
    // `exec`, because a shell between would die of the Ctrl-C, and its exit code would be the one that counts.
    const command = `stty cols 60; exec ${process.execPath} ${resolve('dist/local/start.js')} ${ports}`;
    const env = { ...process.env, TERM: 'xterm', SHELL: '/bin/sh' };
    const run = spawn('script', ['-qec', command, '/dev/null'], { cwd: folder, env });
    onTestFinished(() => void run.kill('SIGKILL'));
    const ended = once(run, 'close');
    let text = '';
    run.stdout.on('data', (chunk) => {
      text += chunk;
    });
    await expect.poll(() => text, { timeout: 60_000 }).toMatch(/[1-9][\d,]*\s+in\s+the\s+warehouse/);
    // The terminal sends a signal to all of its processes, and npm and local/run.mjs pass it on.
    run.stdin.write('\u0003');
    await sleep(100);
    process.kill(JSON.parse(readFileSync(join(folder, '.local/run.json'), 'utf8')).pid, 'SIGINT');
    expect((await ended)[0]).toBe(0);
    const drawn = text.replaceAll('\u001b', 'ESC').split(/ESC\[\d+A\rESC\[J/);
    expect(drawn.length).toBeGreaterThan(3);
    // Each state has a block of its own, with lines that fit.
    expect(drawn[2]).toMatch(/^clicks [\d,]+ emitted, [\s\S]*\r\nassets [\d,]+ emitted, /);
    for (const line of drawn[2]?.trim().split('\r\n') ?? []) expect(line.length).toBeLessThan(60);
    expect(text.trim()).toMatch(
      /assets: accepted [^\r\n]*\r\naccepted ([\d,]+) = rows \1 = clicks \1 = warehouse \1$/,
    );
  },
);
