import type { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../src/lib/streams/stream';
import { catchUp } from '../../../src/lib/warehouse/catchUp';
import { checkTable } from '../../../src/lib/warehouse/check/checkTable';
import { rebuild } from '../../../src/lib/warehouse/rebuild';
import { openSynapse } from '../../../src/lib/warehouse/synapse/synapseWarehouse';
import { UnloadedCommits } from '../../../src/lib/warehouse/unloadedCommits';
import { assetStream } from '../../kit/assetStream';
import type { Rights } from '../../kit/tds/engine';
import { TdsServer } from '../../kit/tds/tdsServer';
import { asset, assetsTable, clicks, clicksTable } from './deltaTable';

const tables = [clickstream, assetStream].map(({ warehouse }) => warehouse as WarehouseTable);
const signal = new AbortController().signal;

export interface AppWork {
  readonly dialect: 'pool' | 'server';
  readonly lake: MemoryStore;
  /** What the app's login may; everything unless told. */
  readonly rights?: Rights;
}

/**
 * All that the app does in a database: loads of few and of many rows, rejected rows, new columns, rebuilds, checks. Returns what it sent, and what
 * went wrong.
 */
export async function appWork({
  dialect,
  lake,
  rights,
}: AppWork): Promise<{ batches: string[]; problems: string[] }> {
  const server = await TdsServer.start({
    dialect,
    fetchStaged: async (url) => (await lake.get(url.replace('https://lake/', '')))?.bytes,
  });
  const problems: string[] = [];
  const admin = openSynapse({ address: server.address });
  // Of an earlier release, which had one column less, and no views.
  await admin.init(
    tables.map(({ views: _, ...table }) => ({ ...table, columns: table.columns.slice(0, -1) })),
  );
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
      await priced.commit(Array.from({ length: count }, (_, row) => asset({ name: `é${row}` })));
      await priced.commit([asset({ id: 'x'.repeat(300) })]);
      for (const [index, { at }] of [clicked, priced].entries()) {
        const table = tables[index] as WarehouseTable;
        await catchUp({ warehouse, commits: new UnloadedCommits(at), table, signal });
        const lost = await warehouse.lostBySwap(table);
        problems.push(...lost.filter((one) => one.includes('lacks')));
        await rebuild({ warehouse, at, table, signal });
        const { different, rejectedWanted } = await checkTable({ warehouse, at, table, signal, pauseMs: 0 });
        if (different.length > 0 || rejectedWanted !== undefined)
          problems.push(`${table.name} is not as the lake`);
      }
    }
  } catch (error) {
    problems.push(String(error));
  } finally {
    await warehouse.close();
    await admin.close();
    await server.close();
  }
  return { batches: server.batches, problems };
}
