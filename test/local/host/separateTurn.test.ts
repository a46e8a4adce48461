import { expect, it } from 'vitest';
import { separateTurn } from '../../../local/host/separateTurn';
import { nextTurn } from '../../../src/lib/nextTurn';

it('gives callers that come together a turn of the event loop each', async () => {
  let turn = 0;
  let isDone = false;
  const count = async () => {
    while (!isDone) {
      await nextTurn();
      turn += 1;
    }
  };
  const counting = count();
  const turns = await Promise.all(Array.from({ length: 4 }, () => separateTurn().then(() => turn)));
  isDone = true;
  await counting;
  expect(new Set(turns).size).toBe(4);
});
