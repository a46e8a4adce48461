import { type FilesToScan, scanKeys } from './countFiles';
import { compareKeys, hashKey, type Key } from './keys';

/** The rules for choosing the keys that are counted on their own. */
export interface Choice {
  readonly maxKeys: number;
  /** Keys that are chosen first, even if they have few rows or none. */
  readonly preferred: ReadonlySet<Key>;
}

/** How many keys are counted at once, at the least. This many take about 100 MB. With fewer, the files would have to be read more often. */
const leastAtOnce = 2_000_000;

/** The keys that are counted on their own; undefined if all of them have room. */
export type KeptKeys = ReadonlySet<Key> | undefined;

/**
 * Chooses from the counts of all keys: the preferred keys first, then those with the most rows. Keys with equal counts are ordered by key.
 */
export function chooseKeys(counts: Iterable<readonly [Key, number]>, choice: Choice): KeptKeys {
  const best = new BestKeys(choice);
  for (const [key, count] of counts) best.add(key, count);
  return best.kept();
}

/**
 * Chooses in the same way from the rows of data files, which may have any number of keys. They are read several times, and each
 * time only the keys whose hashes are in one range are counted. The range is narrowed until its keys have room. The counts are exact,
 * and memory holds the counts of one range, and the best keys so far.
 * @param atOnce how many keys are counted in one reading
 */
export async function chooseKeysOfFiles(
  files: FilesToScan,
  choice: Choice,
  atOnce = Math.max(choice.maxKeys, leastAtOnce),
): Promise<KeptKeys> {
  const best = new BestKeys(choice);
  // Nobody outside knows the seed, so no sender can choose keys whose hashes lie close together.
  const seed = Math.floor(Math.random() * 2 ** 32);
  let width = 2 ** 32;
  for (let from = 0; from < 2 ** 32; from += width) {
    const counts = new Map<Key, number>();
    await scanKeys(files, (key) => {
      const hash = hashKey(key, seed);
      if (hash < from || hash >= from + width) return;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      while (counts.size > atOnce && width > 1) {
        // The keys that leave the range are counted in a later reading.
        width = Math.floor(width * 0.8);
        for (const each of counts.keys()) if (hashKey(each, seed) >= from + width) counts.delete(each);
      }
    });
    for (const [key, count] of counts) best.add(key, count);
  }
  return best.kept();
}

interface Ranked {
  readonly key: Key;
  readonly count: number;
}

/** The best of the keys that were added so far. */
class BestKeys {
  readonly #choice: Choice;
  readonly #preferred = new Map<Key, number>();
  #others: Ranked[] = [];
  #seen = 0;

  constructor(choice: Choice) {
    this.#choice = choice;
    for (const key of choice.preferred) this.#preferred.set(key, 0);
  }

  /** Adds a key that was not added before. */
  add(key: Key, count: number): void {
    this.#seen++;
    if (this.#preferred.has(key)) this.#preferred.set(key, count);
    else this.#others.push({ key, count });
    // Sorting is slow, so wait until there are twice as many keys as can be kept, and drop the rest then.
    const { maxKeys } = this.#choice;
    if (this.#others.length > 2 * maxKeys) this.#others = this.#best(this.#others).slice(0, maxKeys);
  }

  kept(): KeptKeys {
    const { maxKeys } = this.#choice;
    if (this.#seen <= maxKeys) return undefined;
    const preferred = [...this.#preferred].map(([key, count]) => ({ key, count }));
    return new Set(
      [...this.#best(preferred), ...this.#best(this.#others)].slice(0, maxKeys).map(({ key }) => key),
    );
  }

  #best(keys: Ranked[]): Ranked[] {
    return keys.sort((a, b) => b.count - a.count || compareKeys(a.key, b.key));
  }
}
