import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../../src/lib/storage/memoryStore';
import type { Rights } from '../../../kit/tds/engine';
import { rightsOf } from '../../../kit/tds/rights';
import { appWork } from '../appWork';

/*
 * What deploy/sql/loader.sql grants is enough for everything that the app does, and each right is needed for some of it.
 */

const script = readFileSync('deploy/sql/loader.sql', 'utf8');
const dialects = ['pool', 'server'] as const;
const granted = { pool: rightsOf(script, 'pool'), server: rightsOf(script, 'server') };
/** Returns what went wrong. */
const work = async (dialect: (typeof dialects)[number], rights: Rights) =>
  (await appWork({ dialect, lake: new MemoryStore(), rights })).problems;

describe("the rights of the app's user", () => {
  it.each(dialects)('are enough: %s', async (dialect) => {
    expect(granted[dialect].size).toBeGreaterThan(5);
    expect(await work(dialect, granted[dialect])).toEqual([]);
  });

  it.each([...granted.pool])('are none too many: %s', async (right) => {
    const problems: string[] = [];
    for (const dialect of dialects) {
      const others = new Set([...granted[dialect]].filter((one) => one !== right));
      problems.push(...(await work(dialect, others)));
    }
    expect(
      [`The permission ${right} was denied`, `lacks ${right.replace(' sys.', ' ON sys.')}`].some((sentence) =>
        problems.join('\n').includes(sentence),
      ),
    ).toBe(true);
  });
});
