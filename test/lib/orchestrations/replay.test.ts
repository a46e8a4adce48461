import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Orchestrator, orchestrationsVersion } from '../../../src/lib/orchestrations/orchestration';
import { type History, replay } from './history';
import { scenarios } from './scenarios';

/*
 * An orchestrator that runs while the app is deployed is replayed by the new code. So what it asks for in a recorded history must not
 * change, nor what its activities take and return. If that must change, raise `orchestrationsVersion` and `defaultVersion` in host.json,
 * and record the histories anew with
 *
 *     RECORD_HISTORIES=1 npx vitest run test/lib/orchestrations/replay.test.ts
 *
 * Instances of the earlier version that run during the deployment then fail (registerOrchestration.ts makes them fail). The timer starts
 * maintenance again; a rebuild is started again by hand.
 */

const fileOf = (name: string) => `test/lib/orchestrations/histories/${name}.json`;

interface Kept {
  readonly version: string;
  readonly histories: readonly History[];
}

describe.each(Object.entries(scenarios))('the orchestrator %s', (name, { orchestrator, run }) => {
  // The types of its activities do not matter here.
  const any = orchestrator as unknown as Orchestrator<Record<never, never>, unknown, unknown>;

  it.runIf(process.env.RECORD_HISTORIES)('is recorded', async () => {
    const { histories } = await run();
    writeFileSync(
      fileOf(name),
      `${JSON.stringify({ version: orchestrationsVersion, histories }, undefined, 2)}\n`,
    );
  });

  const kept = (): Kept => JSON.parse(readFileSync(fileOf(name), 'utf8'));

  it('does the same in every prefix of its recorded history', () => {
    for (const { events, end, ...start } of kept().histories)
      for (let length = 0; length <= events.length; length++) {
        const { asked, end: ended } = replay(any, { ...start, events: events.slice(0, length) });
        expect([asked, ended]).toEqual(
          length < events.length ? [events[length]?.asked, undefined] : [undefined, end],
        );
      }
  });

  it('has its history recorded at the present version', () => {
    expect(kept().version).toBe(orchestrationsVersion);
  });
});

it('notices that an orchestrator asks for something else', () => {
  const { histories }: Kept = JSON.parse(readFileSync(fileOf('rebuildWarehouse'), 'utf8'));
  const [first] = histories;
  if (!first) throw new Error('Nothing is recorded.');
  const [event, ...others] = first.events;
  const changed = {
    asked: { call: 'rebuildStep', input: { table: 'assets', mayLose: false, isHeld: false } },
    at: 0,
  };
  expect(() =>
    replay(scenarios.rebuildWarehouse.orchestrator, {
      ...first,
      events: [{ ...event, ...changed }, ...others],
    }),
  ).toThrow(/^Event 0: it asked for .*"table":"assets".*, and now asks for .*"table":"clickstream.clicks"/);
});
