/**
 * Does some work for every item, for at most `limit` items at once, and returns the results in the order of the items. An item is taken
 * when its work begins, so the items may come from a generator.
 *
 * After the first failure no further work begins. Work that has begun goes on; the signal `givenUp` tells it that its result is not needed
 * any more. When all of it has ended, the first failure is thrown.
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
