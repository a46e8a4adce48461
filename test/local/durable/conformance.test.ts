import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Azurite, startAzurite } from '../../../local/azurite';
import { type Engine, ended } from './engine';
import { startInMemoryEngine } from './inMemoryEngine';
import { engineOf, writeDurableApp } from './localEngine';

/*
 * What an orchestration does must not depend on the engine. Every case runs on the local host, through the unmodified package
 * `durable-functions`, and on the in-memory engine of Microsoft's `durabletask-js`, with one and the same result.
 */

let azurite: Azurite;
let app: ReturnType<typeof writeDurableApp>;
const engines = new Map<string, Engine>();

beforeAll(async () => {
  azurite = await startAzurite();
  app = writeDurableApp({ connectionString: azurite.connectionString });
  engines.set('the local host', engineOf(await app.start()));
  // The in-memory engine tells every step, and it cannot be told not to.
  for (const level of ['debug', 'log', 'info', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  engines.set('the in-memory engine', await startInMemoryEngine());
});

afterAll(async () => {
  for (const engine of engines.values()) await engine.close();
  app?.remove();
  await azurite?.close();
});

const outputs: [orchestrator: string, output: unknown, input?: unknown][] = [
  ['nothing', 'done'],
  ['chain', [3, 13]],
  ['echoOfNothing', null],
  ...['text', '', '{"looks": "like JSON"}', '5', 0, -1.5, true, false, null, [], { a: [1, { b: null }] }].map(
    (value): [string, unknown, unknown] => ['echoes', value, { value }],
  ),
  ['fanOut', Array.from({ length: 12 }, (_, n) => n + 1)],
  ['nested', [[2, 4], 6]],
  ['lateYield', [true, 200, 2]],
  ['failure', 'broken a'],
  ['failureInFanOut', ['broken c', 2]],
  ['failureInRace', [false, true]],
  ['retry', 'retry after 3'],
  ['retryAtOnce', 'retryAtOnce after 1'],
  ['retryInVain', ['broken vain', 3]],
  ['retryWithFactor', true],
  ['retryWithFactorOnly', 'grows after 4'],
  ['retryWithLongestWait', 'longest after 5'],
  ['retryInFanOut', [['f0 after 3', 2, 'f1 after 2', 'f2 after 1'], 4]],
  ['retryInVainInFanOut', ['broken g1', 2, 3]],
  ['retryMeetsNewWork', [15, 'meets after 5']],
  ['retryRacesTimer', true],
  ['timer', true],
  ['timerInThePast', 'fired'],
  ['timers', true],
  ['timerWins', true],
  ['activityWins', [true, 2, 4]],
  ['again', 5],
  ['againWithWorkOpen', 'slow 3'],
  ['againWithTimerOpen', true],
  ['againWithOtherWorkOpen', '3 after all'],
  ['againWithOtherTimerOpen', '3 after all'],
  ['againWithRetryOpen', 'open2 after 2'],
  ['manySteps', 40],
];

const patient = { timeout: 20_000 };

/** Where the in-memory engine does otherwise than Azure. A variant of each, in which that does not matter, runs on both. */
const differences: Readonly<Record<string, string>> = {
  againWithWorkOpen: 'It takes results of an earlier execution for those of the present one.',
  againWithTimerOpen: 'It takes timers of an earlier execution for those of the present one.',
  retryWithFactor: 'It counts every wait from the start of the orchestration.',
};

describe.each(['the local host', 'the in-memory engine'])('on %s', (name) => {
  const isDifferent = (orchestrator: string) =>
    name === 'the in-memory engine' && orchestrator in differences;
  const engine = () => engines.get(name) as Engine;
  const run = async (orchestrator: string, input?: unknown) =>
    ended(engine(), await engine().start(orchestrator, input));

  describe.concurrent('an orchestration', () => {
    it.each(outputs.filter(([orchestrator]) => !isDifferent(orchestrator)))(
      '%s gives %j',
      async (orchestrator, output, input) => {
        expect(await run(orchestrator, input)).toMatchObject({ status: 'Completed', output });
      },
    );

    it.each([
      ['uncaughtFailure', 'broken b'],
      ['thrown', 'broken orchestrator'],
      ['statusBeforeFailure', 'broken e'],
    ])('%s fails and says why', async (orchestrator, reason) => {
      expect(await run(orchestrator)).toMatchObject({
        status: 'Failed',
        output: expect.stringContaining(reason),
      });
    });

    it('has the custom status that was set last', async () => {
      expect(await run('status')).toMatchObject({ customStatus: { step: 'two', of: [1, 2] } });
      expect(await run('again')).toMatchObject({ customStatus: { count: 4 } });
      expect(await run('statusBeforeFailure')).toMatchObject({ customStatus: 'about to fail' });
    });
  });

  describe.concurrent('an event', () => {
    const started = async (orchestrator: string) => {
      const id = await engine().start(orchestrator);
      await expect.poll(async () => (await engine().status(id))?.status, patient).toBe('Running');
      return id;
    };

    it.each<[string, unknown, string[]]>([
      ['event', 'from go', ['go']],
      ['twoEvents', ['from left', 'from right'], ['right', 'left']],
      ['eventBeforeWait', 'from go', ['go']],
      ['eventRacesTimer', [true, 'from go'], ['go']],
      ['eventAfterAgain', 'from go', ['go']],
    ])('comes to %s', async (orchestrator, output, events) => {
      const id = await started(orchestrator);
      await engine().raise(id, 'other', 'of no interest');
      for (const event of events) await engine().raise(id, event, `from ${event}`);
      expect(await ended(engine(), id)).toMatchObject({ status: 'Completed', output });
    });

    it('may be any JSON value', async () => {
      const id = await started('event');
      await engine().raise(id, 'go', { a: [1, null] });
      expect(await ended(engine(), id)).toMatchObject({ output: { a: [1, null] } });
    });
  });

  describe.concurrent('who steers it', () => {
    it.each(['longWait', 'longWork', 'longRetry', 'event'])(
      'terminates %s while it waits',
      async (orchestrator) => {
        const id = await engine().start(orchestrator);
        await sleep(200);
        await engine().terminate(id, 'enough');
        expect(await ended(engine(), id)).toMatchObject({ status: 'Terminated', output: 'enough' });
        await sleep(2_500);
        expect(await engine().status(id)).toMatchObject({ status: 'Terminated', output: 'enough' });
      },
    );

    it('terminates one that has only just been started', async () => {
      const ids = await Promise.all(Array.from({ length: 5 }, () => engine().start('longWork')));
      await Promise.all(ids.map((id) => engine().terminate(id, 'at once')));
      for (const id of ids)
        expect(await ended(engine(), id)).toMatchObject({ status: 'Terminated', output: 'at once' });
    });

    it('changes nothing in one that is over', async () => {
      const [done, broken, stopped] = await Promise.all(
        ['nothing', 'thrown', 'longWait'].map((orchestrator) => engine().start(orchestrator)),
      );
      await engine().terminate(stopped as string, 'first');
      for (const [id, end] of [
        [done, { status: 'Completed', output: 'done' }],
        [broken, { status: 'Failed', output: expect.stringContaining('broken orchestrator') }],
        [stopped, { status: 'Terminated', output: 'first' }],
      ] as const) {
        expect(await ended(engine(), id as string)).toMatchObject(end);
        await engine().terminate(id as string, 'too late');
        await sleep(100);
        expect(await engine().status(id as string)).toMatchObject(end);
      }
    });

    it('terminates a suspended one', async () => {
      const id = await engine().start('longWait');
      await sleep(200);
      await engine().suspend(id);
      await engine().terminate(id, 'enough');
      expect(await ended(engine(), id)).toMatchObject({ status: 'Terminated', output: 'enough' });
    });

    it('suspends it: results and timers wait until it is resumed', async () => {
      const id = await engine().start('waitsThenWorks');
      await expect.poll(async () => (await engine().status(id))?.status, patient).toBe('Running');
      await engine().suspend(id);
      await sleep(2_500);
      expect(await engine().status(id)).toMatchObject({ status: 'Suspended' });
      await engine().resume(id);
      expect(await ended(engine(), id)).toMatchObject({ status: 'Completed', output: 42 });
    });

    it('suspends it, and events wait', async () => {
      const id = await engine().start('event');
      await expect.poll(async () => (await engine().status(id))?.status, patient).toBe('Running');
      await engine().suspend(id);
      await engine().raise(id, 'go', 'raised');
      await sleep(300);
      expect(await engine().status(id)).toMatchObject({ status: 'Suspended' });
      await engine().resume(id);
      expect(await ended(engine(), id)).toMatchObject({ output: 'raised' });
    });

    it('purges it only when it is over', async () => {
      const id = await engine().start('longWait');
      await sleep(100);
      expect(await engine().purge(id)).toBe(false);
      await engine().terminate(id, 'enough');
      await ended(engine(), id);
      expect(await engine().purge(id)).toBe(true);
      expect(await engine().status(id)).toBeUndefined();
    });
  });
});
