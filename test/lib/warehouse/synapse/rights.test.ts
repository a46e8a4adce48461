import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../../src/lib/storage/memoryStore';
import { type Rights, rightsOf } from '../../../kit/tds/rights';
import { appWork } from '../appWork';

/*
 * What deploy/sql/loader.sql grants is enough for everything that the app does, and each right is needed for some of it.
 */

const granted = rightsOf(readFileSync('deploy/sql/loader.sql', 'utf8'));
/** Returns what went wrong. */
const work = async (dialect: 'pool' | 'server', rights: Rights) =>
  (await appWork({ dialect, lake: new MemoryStore(), rights })).problems;

describe("the rights of the app's user", () => {
  it.each(['pool', 'server'] as const)('are enough: %s', async (dialect) => {
    expect(granted.size).toBeGreaterThan(5);
    expect(await work(dialect, granted)).toEqual([]);
  });

  it.each([...granted])('are none too many: %s', async (right) => {
    const others = new Set([...granted].filter((one) => one !== right));
    const problems = [...(await work('pool', others)), ...(await work('server', others))];
    expect(problems.join('\n')).toContain(`The permission ${right} was denied`);
  });
});
