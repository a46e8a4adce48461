import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type InvocationLog, type Logged, logEvent, logTo, onLogged } from '../../src/lib/log';

/** Collects the lines of an invocation, as its context would log them. */
class Invocation implements InvocationLog {
  readonly lines: string[] = [];
  log = (line: string) => void this.lines.push(`information ${line}`);
  warn = (line: string) => void this.lines.push(`warning ${line}`);
  error = (line: string) => void this.lines.push(`error ${line}`);
}

let console_: string[];
beforeEach(() => {
  console_ = [];
  for (const method of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, method).mockImplementation((line: string) => void console_.push(`${method} ${line}`));
});
afterEach(() => {
  vi.restoreAllMocks();
});

it('logs to the invocation that it runs in, also after a wait, with the level that is meant', async () => {
  const [one, two] = [new Invocation(), new Invocation()];
  const work = (name: string) => async () => {
    logEvent('information', 'round', { name });
    await sleep(1);
    logEvent('warning', 'slow', { name });
    logEvent('error', 'failed', { name });
  };
  await Promise.all([logTo(one, work('one')), logTo(two, work('two'))]);
  for (const [name, { lines }] of Object.entries({ one, two }))
    expect(lines).toEqual([
      `information {"event":"round","name":"${name}"}`,
      `warning {"event":"slow","name":"${name}"}`,
      `error {"event":"failed","name":"${name}"}`,
    ]);
  expect(console_).toEqual([]);
});

it('logs to the console outside of invocations, with a word from which the platform knows the level', () => {
  logEvent('information', 'load', { table: 'clicks' });
  logEvent('warning', 'load-failed', { table: 'clicks' });
  logEvent('error', 'batch-failed');
  expect(console_).toEqual([
    'log {"event":"load","table":"clicks"}',
    'warn {"event":"load-failed","level":"warning","table":"clicks"}',
    'error {"event":"batch-failed","level":"error"}',
  ]);
});

it('does not log to an invocation that has ended', async () => {
  const invocation = new Invocation();
  let later: Promise<void> | undefined;
  await logTo(invocation, async () => {
    later = sleep(1).then(() => logEvent('information', 'load'));
  });
  await later;
  expect([invocation.lines, console_]).toEqual([[], ['log {"event":"load"}']]);
});

it('blanks secrets, in its lines and in the errors that the host will log, and stays one line', async () => {
  const invocation = new Invocation();
  const failing = logTo(invocation, async () => {
    logEvent('error', 'batch-failed', {
      message: 'No answer:\nAccountKey=abc123; retry',
      of: { sig: 'a?sig=abc123' },
    });
    throw new Error('SharedAccessKey=abc123');
  });
  await expect(failing).rejects.toThrow('SharedAccessKey=***');
  expect(invocation.lines).toHaveLength(1);
  expect(invocation.lines[0]).not.toMatch(/abc123|\n/);
});

it('is told to a listener in place of the console, without secrets, and invocations keep their own log', async () => {
  const told: Logged[] = [];
  onLogged((logged) => told.push(logged));
  const one = new Invocation();
  await logTo(one, () => logEvent('warning', 'slow'));
  logEvent('warning', 'slow', { message: 'AccountKey=abc123==;' });
  onLogged(undefined);
  logEvent('warning', 'after');
  expect(told).toEqual([{ level: 'warning', event: 'slow', fields: { message: 'AccountKey=***;' } }]);
  expect(one.lines).toHaveLength(1);
  expect(console_).toEqual(['warn {"event":"after","level":"warning"}']);
});
