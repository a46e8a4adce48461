import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostProcess, runHostProcess, startHostProcess, writeApp } from '../host/hostProcess';
import { type Engine, ended } from './engine';
import { startDurableHost } from './localEngine';

/*
 * What an orchestrator may not do here, each with the sentence that says so.
 */

const source = `
const refused = {
  *callsSubOrchestrator({ df }) { yield df.callSubOrchestrator('nothing'); },
  *callsSubOrchestratorWithRetry({ df: context }) { yield context.callSubOrchestratorWithRetry('nothing', new df.RetryOptions(1, 2)); },
  *callsEntity({ df: context }) { yield context.callEntity(new df.EntityId('counter', 'one'), 'add', 1); },
  *signalsEntity({ df: context }) { context.signalEntity(new df.EntityId('counter', 'one'), 'add', 1); yield context.callActivity('add', [1, 1]); },
  *locks({ df: context }) { yield context.lock(new df.EntityId('counter', 'one')); },
  *callsHttp({ df: context }) { yield context.callHttp({ method: 'GET', url: 'http://127.0.0.1' }); },
  *callsHttpInFanOut({ df: context }) { yield context.Task.all([context.callActivity('add', [1, 1]), context.callHttp({ method: 'GET', url: 'http://127.0.0.1' })]); },
  *limitsTimeOfRetry({ df: context }) {
    const options = new df.RetryOptions(1, 2);
    options.retryTimeoutInMilliseconds = 100;
    yield context.callActivityWithRetry('add', options, [1, 1]);
  },
  *yieldsAgain({ df: context }) {
    const slow = context.callActivity('wait', 50);
    yield context.Task.any([slow, context.callActivity('add', [1, 1])]);
    yield context.Task.all([slow, context.callActivity('add', [1, 1])]);
  },
  *yieldsNoTask() { yield 5; },
  *callsUnknown({ df: context }) { yield context.callActivity('missing'); },
  *callsWithTooMuch({ df: context }) { yield context.callActivity('echo', 'x'.repeat(2_000_000)); },
  *getsTooMuch({ df: context }) { yield context.callActivity('returnsTooMuch'); },
  *getsBytes({ df: context }) { yield context.callActivity('returnsBytes'); },
  *returnsTooMuchItself() { return 'x'.repeat(2_000_000); },
  *hasTooLongAStatus({ df: context }) { context.setCustomStatus('x'.repeat(9_000)); yield context.callActivity('add', [1, 1]); },
};
for (const [name, orchestrator] of Object.entries(refused)) df.app.orchestration(name, orchestrator);
df.app.activity('returnsTooMuch', { handler: async () => 'x'.repeat(2_000_000) });
df.app.activity('returnsBytes', { handler: async () => Buffer.from('x') });
df.app.activity('throwsNothing', { handler: async () => { throw undefined; } });
df.app.orchestration('differs', function* (context) {
  // It decides by something that is not the same in a replay.
  globalThis.turns = (globalThis.turns ?? 0) + 1;
  yield context.df.callActivity(globalThis.turns === 1 ? 'add' : 'echo', [1, 1]);
  yield context.df.callActivity('add', [2, 2]);
});
df.app.orchestration('givesUp', function* (context) {
  // As after a deployment, the next turn does nothing of what the first did.
  globalThis.begun = (globalThis.begun ?? 0) + 1;
  if (globalThis.begun > 1) throw new Error('Start me again.');
  yield context.df.callActivity('add', [1, 1]);
});
df.app.orchestration('logs', function* (context) {
  for (let n = 0; n < 3; n++) {
    if (!context.df.isReplaying) context.log('step ' + n + ' of ' + context.df.instanceId);
    yield context.df.callActivity('add', [n, n]);
  }
  if (!context.df.isReplaying) context.log('step 3 of ' + context.df.instanceId);
  return context.df.isReplaying;
});
df.app.orchestration('cancelsTimer', function* (context) {
  const inMs = (ms) => new Date(context.df.currentUtcDateTime.getTime() + ms);
  const cancelled = context.df.createTimer(inMs(200));
  yield context.df.Task.any([cancelled, context.df.callActivity('add', [1, 1])]);
  cancelled.cancel();
  yield context.df.createTimer(inMs(600));
});
df.app.orchestration('seesTimes', function* (context) {
  const times = [context.df.currentUtcDateTime.getTime()];
  for (let n = 0; n < 3; n++) {
    yield context.df.callActivity('wait', 30);
    times.push(context.df.currentUtcDateTime.getTime());
  }
  return times;
});
df.app.orchestration('retriesMuchLater', function* (context) {
  yield context.df.callActivityWithRetry('fail', new df.RetryOptions(1e300, 3), 'for long');
});
df.app.orchestration('makesGuids', function* (context) {
  const first = context.df.newGuid(context.df.instanceId);
  yield context.df.callActivity('echo', first);
  return [first, context.df.newGuid(context.df.instanceId)];
});`;

let durable: Awaited<ReturnType<typeof startDurableHost>>;
let host: HostProcess;
let engine: Engine;
beforeAll(async () => {
  durable = await startDurableHost(source);
  ({ host, engine } = durable);
});
afterAll(() => durable?.close());

describe('an orchestrator', () => {
  it.each([
    ['callsSubOrchestrator', 'sub-orchestrations are not supported by the local host. Call the activities'],
    ['callsSubOrchestratorWithRetry', 'sub-orchestrations are not supported by the local host'],
    ['callsEntity', 'entities are not supported by the local host. Keep such state in storage'],
    ['signalsEntity', 'entities are not supported by the local host'],
    ['locks', 'entities are not supported by the local host. Keep such state in storage'],
    ['callsHttp', 'callHttp is not supported by the local host. Send the request in an activity.'],
    ['callsHttpInFanOut', 'callHttp is not supported by the local host'],
    ['limitsTimeOfRetry', 'retryTimeoutInMilliseconds is not supported by the local host'],
    ['yieldsAgain', 'is yielded again within a new Task.all or Task.any'],
    ['yieldsNoTask', 'Only Task types can be yielded'],
    ['callsUnknown', "The function 'missing' doesn't exist"],
    ['callsWithTooMuch', 'The input of the activity echo has 2000002 bytes of JSON; accepted are 1048576'],
    ['getsTooMuch', 'The result of the activity returnsTooMuch has 2000002 bytes'],
    ['getsBytes', 'must return a JSON value, not bytes'],
    ['returnsTooMuchItself', 'The output of the orchestrator has 2000002 bytes'],
    ['hasTooLongAStatus', 'The custom status has 9002 characters of JSON; accepted are 8192'],
    ['givesUp', 'Start me again.'],
    ['differs', 'its action 1 was "task add" and is now "task echo"'],
  ])('%s fails: %s', async (orchestrator, message) => {
    const id = await engine.start(orchestrator);
    const output = expect.stringContaining(message);
    expect(await ended(engine, id)).toMatchObject({ status: 'Failed', output });
    // The log says it too, once and with the instance.
    await expect
      .poll(() => host.lines(`ERROR ${orchestrator}: ${id}: `), { timeout: 20_000 })
      .toHaveLength(1);
    expect(host.output()).not.toContain('OutOfProcData');
  });

  it('that logs only while it does not replay logs every step once', async () => {
    const id = await engine.start('logs');
    expect(await ended(engine, id)).toMatchObject({ output: false });
    const steps = host.lines(` of ${id}`).map((line) => /step \d/.exec(line)?.[0]);
    expect(steps).toEqual(['step 0', 'step 1', 'step 2', 'step 3']);
  });

  it('is not woken by a timer that it cancelled', async () => {
    const id = await engine.start('cancelsTimer');
    expect(await ended(engine, id)).toMatchObject({ status: 'Completed' });
    const answer = await fetch(`${host.url}/runtime/webhooks/durabletask/instances/${id}?showHistory=true`);
    const { historyEvents } = (await answer.json()) as { historyEvents: { EventType: string }[] };
    expect(historyEvents.filter(({ EventType }) => EventType === 'TimerFired')).toHaveLength(1);
  });

  it('sees the time of its turns, the same in every replay', async () => {
    const { output } = await ended(engine, await engine.start('seesTimes'));
    const times = output as number[];
    for (let n = 1; n < times.length; n++)
      expect((times[n] ?? 0) - (times[n - 1] ?? 0)).toBeGreaterThanOrEqual(25);
  });

  it('may wait for its next attempt until after the last date there is', async () => {
    const id = await engine.start('retriesMuchLater');
    const history = `${host.url}/runtime/webhooks/durabletask/instances/${id}?showHistory=true`;
    const waits = async () => {
      const { historyEvents } = (await (await fetch(history)).json()) as { historyEvents: object[] };
      return historyEvents.filter((event) => 'FireAt' in event);
    };
    await expect
      .poll(waits, { timeout: 20_000 })
      .toMatchObject([{ FireAt: expect.stringMatching(/^30\d\d-/) }]);
    await engine.terminate(id, 'enough');
  });

  it('makes the same new ids in every replay', async () => {
    const { output } = await ended(engine, await engine.start('makesGuids'));
    expect(new Set(output as string[]).size).toBe(2);
  });
});

describe('an app', () => {
  it('with an entity does not start', async () => {
    const folder = writeApp({ source: "require('durable-functions').app.entity('counter', () => {});" });
    const { code, output } = await runHostProcess({ dir: folder.dir }).finally(folder.remove);
    expect(output).toContain('counter: entities are not supported by the local host.');
    expect(code).toBe(1);
  });

  it('with a setting instead of host.json does not start', async () => {
    const { code, output } = await runHostProcess({
      dir: durable.dir,
      settings: { AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'azureManaged' },
    });
    expect(output).toContain('reads extensions.durableTask in host.json alone. Remove the setting here.');
    expect(code).toBe(1);
  });

  it('without Durable Functions has no management API', async () => {
    const folder = writeApp({ source: "app.http('hello', { handler: async () => ({ body: 'hi' }) });" });
    const plain = await startHostProcess({ dir: folder.dir });
    expect((await fetch(`${plain.url}/runtime/webhooks/durabletask/instances`)).status).toBe(404);
    await plain.stop();
    folder.remove();
  });
});
