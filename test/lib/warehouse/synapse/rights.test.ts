import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../../src/lib/storage/memoryStore';
import { clickstream } from '../../../../src/lib/streams/clickstream';
import { coincap } from '../../../../src/lib/streams/coincap';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import { catchUp } from '../../../../src/lib/warehouse/catchUp';
import { rebuild } from '../../../../src/lib/warehouse/rebuild';
import { openSynapse } from '../../../../src/lib/warehouse/synapse/synapseWarehouse';
import { UnloadedCommits } from '../../../../src/lib/warehouse/unloadedCommits';
import { type Rights, rightsOf } from '../../../kit/tds/rights';
import { TdsServer } from '../../../kit/tds/tdsServer';
import { asset, assetsTable, clicks, clicksTable } from '../deltaTable';

/*
 * What deploy/sql/loader.sql grants is enough for everything that the app does, and each right is needed for some of it.
 */

const granted = rightsOf(readFileSync('deploy/sql/loader.sql', 'utf8'));
const tables = [clickstream, coincap].map(({ warehouse }) => warehouse as WarehouseTable);
const signal = new AbortController().signal;

/** All that the app does, with a login that has these rights. Returns what went wrong. */
async function work(dialect: 'pool' | 'server', rights: Rights): Promise<string[]> {
  const lake = new MemoryStore();
  const server = await TdsServer.start({
    dialect,
    fetchStaged: async (url) => (await lake.get(url.replace('https://lake/', '')))?.bytes,
  });
  const problems: string[] = [];
  const admin = openSynapse({ address: server.address });
  // Of an earlier release, which had one column less.
  await admin.init(tables.map((table) => ({ ...table, columns: table.columns.slice(0, -1) })));
  server.engine.rights = rights;
  const warehouse = openSynapse({
    address: server.address,
    staging: { store: lake, urlOf: (path) => `https://lake/${path}` },
    copyThreshold: 20,
    bulkThreshold: 20,
    warn: (problem) => problems.push(problem),
  });
  try {
    const [clicked, priced] = [await clicksTable(), await assetsTable()];
    for (const count of [2, 30]) {
      await clicked.commit(clicks(count));
      await priced.commit(Array.from({ length: count }, () => asset()));
      await priced.commit([asset({ id: 'x'.repeat(300) })]);
      for (const [index, { at }] of [clicked, priced].entries()) {
        const table = tables[index] as WarehouseTable;
        await catchUp({ warehouse, commits: new UnloadedCommits(at), table, signal });
        await rebuild({ warehouse, at, table, signal });
      }
    }
  } catch (error) {
    problems.push(String(error));
  } finally {
    await warehouse.close();
    await admin.close();
    await server.close();
  }
  return problems;
}

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
