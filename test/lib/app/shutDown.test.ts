import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { shutDown } from '../../../src/lib/app/shutDown';

const never = () => new Promise<void>(() => {});

it('all parts begin to end at the same time, and each is waited for', async () => {
  const steps: string[] = [];
  const part = (name: string) =>
    [
      name,
      async () => {
        steps.push(`${name} begins`);
        await sleep(20);
        steps.push(`${name} has ended`);
      },
    ] as const;
  await shutDown(() => {}, { parts: [part('one'), part('two')] });
  expect(steps).toEqual(['one begins', 'two begins', 'one has ended', 'two has ended']);
});

it('a part that does not end, fails or throws is logged, and does not stop the others from ending', async () => {
  const lines: unknown[] = [];
  let ended = false;
  await shutDown((level, event, fields) => lines.push({ level, event, ...fields }), {
    limitMs: 200,
    parts: [
      ['a silent lake', never],
      ['a refusal', () => Promise.reject(new Error('refused'))],
      [
        'a mistake',
        () => {
          throw new TypeError('mistaken');
        },
      ],
      [
        'a sound one',
        async () => {
          ended = true;
        },
      ],
    ],
  });
  expect(ended).toBe(true);
  expect(lines).toEqual([
    expect.objectContaining({ part: 'a mistake', message: 'mistaken' }),
    expect.objectContaining({ part: 'a refusal', message: 'refused' }),
    expect.objectContaining({ part: 'a silent lake', event: 'shutdown-unfinished' }),
  ]);
});
