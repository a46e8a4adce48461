/**
 * Does some work for every item, at most `limit` of them at once (one or more), and gives the results in the order of the items.
 * The items are taken one by one, as work on them begins, so they may come from a generator.
 *
 * After the first failure no further work begins. What is under way goes on, and learns from `givenUp` that nobody waits for its
 * result any more; when all of it has ended, the first failure is thrown.
 */
export async function inParallel<Item, Result>(
  items: Iterable<Item>,
  limit: number,
  work: (item: Item, givenUp: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  const abort = new AbortController();
  const queue = numbered(items);
  const takeOn = async () => {
    try {
      for (const [index, item] of queue) {
        results[index] = await work(item, abort.signal);
        if (failures.length > 0) return;
      }
    } catch (error) {
      failures.push(error);
      abort.abort();
    }
  };
  await Promise.all(Array.from({ length: limit }, takeOn));
  if (failures.length > 0) throw failures[0];
  return results;
}

function* numbered<Item>(items: Iterable<Item>): Generator<[number, Item]> {
  let index = 0;
  for (const item of items) yield [index++, item];
}
