import { setTimeout as sleep } from 'node:timers/promises';

/** How often an activity was tried, by its key and instance. */
const tries = new Map<string, number>();

/** Activities that run on any engine. */
export const activities: Readonly<Record<string, (input: never, instanceId: string) => unknown>> = {
  clock: () => Date.now(),
  /** The clock of a timer is read when a step begins, which on a busy machine is some time before an activity reads its own. */
  hasPassed: ([from, ms]: [number, number]) => Date.now() - from >= ms - 90,
  echo: (value: unknown) => value,
  add: ([a, b]: [number, number]) => a + b,
  wait: async (ms: number) => {
    await sleep(ms);
    return ms;
  },
  waitAndSay: async ({ ms, text }: { ms: number; text: string }) => {
    await sleep(ms);
    return text;
  },
  fail: (name: string) => {
    throw new Error(`broken ${name}`);
  },
  flaky: ({ key, failures }: { key: string; failures: number }, instanceId) => {
    const name = `${instanceId}/${key}`;
    const count = (tries.get(name) ?? 0) + 1;
    tries.set(name, count);
    if (count <= failures) throw new Error(`broken ${key}`);
    return `${key} after ${count}`;
  },
  attempts: (key: string, instanceId) => tries.get(`${instanceId}/${key}`) ?? 0,
};
