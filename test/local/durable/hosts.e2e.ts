import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, type TestContext, test } from 'vitest';
import { azuriteOfTests } from '../../kit/azuriteOfTests';
import type { HostProcess } from '../host/hostProcess';
import { ended } from './engine';
import { engineOf, writeDurableApp } from './localEngine';

/*
 * Several hosts of one app, which share a task hub.
 */

const azurite = azuriteOfTests();

/** Activities that tell in a file which of them ran, and where. */
const source = `
const { appendFileSync } = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const tell = (...words) => appendFileSync(process.env.JOURNAL, words.join(' ') + '\\n');
df.app.activity('work', { handler: async ({ name, ms }, context) => {
  tell('begin', name, process.env.HOST_NAME);
  await sleep(ms);
  tell('end', name, process.env.HOST_NAME);
  return name;
} });
df.app.orchestration('workOf', function* (context) {
  const { count, ms } = context.df.getInput();
  const tasks = Array.from({ length: count }, (_, n) => context.df.callActivity('work', { name: 'w' + n, ms }));
  return yield context.df.Task.all(tasks);
});
df.app.orchestration('workInSteps', function* (context) {
  const { count, ms } = context.df.getInput();
  const done = [];
  for (let n = 0; n < count; n++) done.push(yield context.df.callActivity('work', { name: 's' + n, ms }));
  return done;
});
df.app.orchestration('waitThenWork', function* (context) {
  const { ms } = context.df.getInput();
  yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + ms));
  return yield context.df.callActivity('work', { name: 'late', ms: 1 });
});
df.app.activity('workAndSayWhere', { handler: async ({ name, ms }) => {
  tell('begin', name, process.env.HOST_NAME);
  await sleep(process.env.WORKS_WITHOUT_END ? 600_000 : ms);
  tell('end', name, process.env.HOST_NAME);
  return process.env.HOST_NAME;
} });
df.app.orchestration('whereWorkIsDone', function* (context) {
  return yield context.df.callActivity('workAndSayWhere', { name: 'w', ms: context.df.getInput().ms });
});
df.app.orchestration('versioned', function* (context) {
  return [context.df.version, yield context.df.callActivity('where')];
});
df.app.activity('where', { handler: async () => process.env.HOST_NAME });`;

interface Stand {
  start(host: string, settings?: Record<string, string>, instance?: string): Promise<HostProcess>;
  /** What the activities told, as lines. */
  journal(): string[];
}

function setUp({ onTestFinished, task }: TestContext, durableTask: Record<string, unknown> = {}): Stand {
  const hubName = `hub${task.id.replace(/\D/g, '')}`;
  const app = writeDurableApp({
    connectionString: azurite.connectionString,
    source,
    durableTask: { hubName, ...durableTask },
  });
  const journal = join(tmpdir(), `journal-${process.pid}-${hubName}`);
  writeFileSync(journal, '');
  onTestFinished(() => {
    app.remove();
    rmSync(journal, { force: true });
  });
  return {
    journal: () => readFileSync(journal, 'utf8').split('\n').filter(Boolean),
    start: async (host, settings = {}, instance) => {
      const names = { JOURNAL: journal, HOST_NAME: host, AzureFunctionsWebHost__hostid: hubName };
      const started = await app.start({ ...names, ...settings }, instance);
      onTestFinished(async () => {
        await started.stop('SIGKILL');
      });
      return started;
    },
  };
}

const patient = { timeout: 30_000, interval: 50 };
const begun = (lines: string[], host = '') =>
  lines.filter((line) => line.startsWith('begin') && line.endsWith(host));
const names = (count: number) => Array.from({ length: count }, (_, n) => `w${n}`);

async function resultsOf(host: HostProcess, id: string): Promise<unknown[]> {
  const answer = await fetch(
    `${host.url}/runtime/webhooks/durabletask/instances/${id}?showHistory=true&showHistoryOutput=true`,
  );
  const { historyEvents } = (await answer.json()) as {
    historyEvents: { EventType: string; Result: unknown }[];
  };
  return historyEvents.flatMap(({ EventType, Result }) => (EventType === 'TaskCompleted' ? [Result] : []));
}

describe.concurrent('two hosts with one task hub', { timeout: 90_000 }, () => {
  test('start an id once, however many starts there are', async (context) => {
    const { expect } = context;
    const stand = setUp(context);
    const hosts = await Promise.all([stand.start('one'), stand.start('two')]);
    const start = (n: number) =>
      fetch(`${hosts[n % 2]?.url}/runtime/webhooks/durabletask/orchestrators/event/only`, { method: 'POST' });
    const engine = engineOf(hosts[0] as HostProcess);
    for (let round = 1; round <= 2; round++) {
      const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => start(n)));
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 202)).toHaveLength(1);
      expect(statuses.filter((status) => status === 500)).toHaveLength(49);
      await engine.raise('only', 'go', round);
      expect(await ended(engine, 'only')).toMatchObject({ status: 'Completed', output: round });
    }
  });

  test('share the activities of a fan-out', async (context) => {
    const { expect } = context;
    const stand = setUp(context, { maxConcurrentActivityFunctions: 2 });
    const one = await stand.start('one');
    await stand.start('two');
    const id = await engineOf(one).start('workOf', { count: 16, ms: 300 });
    expect(await ended(engineOf(one), id)).toMatchObject({ output: names(16) });
    const lines = stand.journal();
    expect(begun(lines)).toHaveLength(16);
    expect(begun(lines, 'one').length).toBeGreaterThan(3);
    expect(begun(lines, 'two').length).toBeGreaterThan(3);
    // Of one host, no more than two activities run at once.
    let running = 0;
    for (const line of lines.filter((one) => one.endsWith('two'))) {
      running += line.startsWith('begin') ? 1 : -1;
      expect(running).toBeLessThanOrEqual(2);
    }
  });

  test('finish what a killed one had begun', async (context) => {
    const { expect } = context;
    const stand = setUp(context, { maxConcurrentActivityFunctions: 3 });
    const one = await stand.start('one');
    const two = await stand.start('two');
    const id = await engineOf(one).start('workOf', { count: 8, ms: 2_000 });
    const lines = (word: string, host: string) =>
      stand.journal().filter((line) => line.startsWith(word) && line.endsWith(host)).length;
    await expect
      .poll(() => lines('begin', 'one') > lines('end', 'one') && lines('begin', 'two') > 0, patient)
      .toBe(true);
    await one.stop('SIGKILL');
    expect(await ended(engineOf(two), id, 60_000)).toMatchObject({ status: 'Completed', output: names(8) });
    expect((await resultsOf(two, id)).sort()).toEqual(names(8));
    expect(begun(stand.journal()).length).toBeGreaterThan(8);
  });

  test('do not wait for the lease of one that ends by itself', async (context) => {
    const { expect } = context;
    const stand = setUp(context);
    const one = await stand.start('one');
    const id = await engineOf(one).start('workInSteps', { count: 30, ms: 100 });
    await expect.poll(() => begun(stand.journal()).length, patient).toBeGreaterThan(5);
    const two = await stand.start('two');
    expect(await one.stop()).toBe(0);
    const steps = Array.from({ length: 30 }, (_, n) => `s${n}`);
    expect(await ended(engineOf(two), id)).toMatchObject({ output: steps });
    expect(begun(stand.journal())).toHaveLength(30);
  });

  test('take over at once what one that ends by itself cannot finish in time', async (context) => {
    const { expect } = context;
    const stand = setUp(context);
    const one = await stand.start('one', { WORKS_WITHOUT_END: '1' });
    const id = await engineOf(one).start('whereWorkIsDone', { ms: 1 });
    await expect.poll(() => begun(stand.journal(), 'one').length, patient).toBe(1);
    const two = await stand.start('two');
    expect(await one.stop()).toBe(0);
    const ends = Date.now();
    await expect.poll(() => begun(stand.journal(), 'two').length, patient).toBe(1);
    // Not only when the lease of a host expires that was killed.
    expect(Date.now() - ends).toBeLessThan(10_000);
    expect(await ended(engineOf(two), id)).toMatchObject({ status: 'Completed', output: 'two' });
    expect(await resultsOf(two, id)).toEqual(['two']);
    expect(stand.journal()).toEqual(['begin w one', 'begin w two', 'end w two']);
  });

  test('fire the timers of a killed one', async (context) => {
    const { expect } = context;
    const stand = setUp(context);
    const one = await stand.start('one');
    const id = await engineOf(one).start('waitThenWork', { ms: 1_000 });
    await expect.poll(async () => (await engineOf(one).status(id))?.status, patient).toBe('Running');
    await one.stop('SIGKILL');
    const two = await stand.start('two');
    expect(await ended(engineOf(two), id)).toMatchObject({ output: 'late' });
    expect(stand.journal()).toEqual(['begin late two', 'end late two']);
  });

  test('take no result from one that was frozen too long', async (context) => {
    const { expect } = context;
    const stand = setUp(context);
    const one = await stand.start('one');
    const id = await engineOf(one).start('whereWorkIsDone', { ms: 5_000 });
    await expect.poll(() => begun(stand.journal()).length, patient).toBe(1);
    await sleep(3_000);
    process.kill(one.pid, 'SIGSTOP');
    const two = await stand.start('two');
    await expect.poll(() => begun(stand.journal(), 'two').length, patient).toBe(1);
    process.kill(one.pid, 'SIGCONT');
    // It has 2 s left of its work, and the other 5 s.
    await expect.poll(() => stand.journal(), patient).toContain('end w one');
    expect(await ended(engineOf(two), id)).toMatchObject({ output: 'two' });
    expect(await resultsOf(two, id)).toEqual(['two']);
    // The host that was frozen goes on to work.
    const next = await engineOf(one).start('workOf', { count: 1, ms: 1 });
    expect(await ended(engineOf(one), next)).toMatchObject({ status: 'Completed' });
  });

  test('may do different work: one answers requests, another runs the orchestrators, a third the activities', async (context) => {
    const { expect } = context;
    const stand = setUp(context);
    const off = (...functions: string[]) =>
      Object.fromEntries(functions.map((name) => [`AzureWebJobs.${name}.Disabled`, 'true']));
    const orchestrators = ['workOf', 'workInSteps', 'waitThenWork', 'whereWorkIsDone', 'versioned'];
    const api = await stand.start('api', off(...orchestrators, 'work', 'workAndSayWhere', 'where'));
    const id = await engineOf(api).start('workInSteps', { count: 3, ms: 1 });
    await sleep(1_500);
    expect(await engineOf(api).status(id)).toMatchObject({ status: 'Pending' });
    const unbegun = await engineOf(api).start('workInSteps', { count: 3, ms: 1 });
    await engineOf(api).terminate(unbegun, 'enough');
    await stand.start('activities', off(...orchestrators));
    await stand.start('orchestrators', off('work', 'workAndSayWhere', 'where'));
    expect(await ended(engineOf(api), id)).toMatchObject({ output: ['s0', 's1', 's2'] });
    expect(begun(stand.journal(), 'activities')).toHaveLength(3);
    expect(await engineOf(api).status(unbegun)).toMatchObject({ status: 'Terminated', output: 'enough' });
    expect(begun(stand.journal())).toHaveLength(3);
  });

  test('of which one is older do not go on with orchestrations of the newer', async (context) => {
    const { expect } = context;
    const stand = setUp(context, { defaultVersion: '1.9' });
    const old = await stand.start('old');
    const start = async (version: string) => {
      const url = `${old.url}/runtime/webhooks/durabletask/orchestrators/versioned?version=${version}`;
      return ((await (await fetch(url, { method: 'POST' })).json()) as { id: string }).id;
    };
    const own = await engineOf(old).start('versioned');
    expect(await ended(engineOf(old), own)).toMatchObject({ output: ['1.9', 'old'] });
    const newer = await start('1.10');
    const older = await start('1.2');
    expect(await ended(engineOf(old), older)).toMatchObject({ output: ['1.2', 'old'] });
    await sleep(2_500);
    expect(await engineOf(old).status(newer)).toMatchObject({ status: 'Pending' });
  });
});

describe('a host that comes back under its name', { timeout: 90_000 }, () => {
  test('goes on at once, wherever it was killed, and no result is taken twice', async (context) => {
    const { expect } = context;
    const stand = setUp(context, { maxConcurrentActivityFunctions: 2 });
    let host = await stand.start('one', {}, 'one');
    const id = await engineOf(host).start('workOf', { count: 6, ms: 300 });
    for (let kills = 0; kills < 6; kills++) {
      await sleep(150 + kills * 70);
      await host.stop('SIGKILL');
      host = await stand.start('one', {}, 'one');
    }
    expect(await ended(engineOf(host), id)).toMatchObject({ output: names(6) });
    expect((await resultsOf(host, id)).sort()).toEqual(names(6));
  });
});
