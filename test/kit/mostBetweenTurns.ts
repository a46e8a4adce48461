/** How often `work` calls `look` at most before it lets other work of the process go on. */
export async function mostBetweenTurns(work: (look: () => void) => Promise<unknown>): Promise<number> {
  let looks = 0;
  let most = 0;
  let isDone = false;
  const turn = () => {
    looks = 0;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  const look = () => {
    most = Math.max(most, ++looks);
  };
  await work(look).finally(() => {
    isDone = true;
  });
  return most;
}
