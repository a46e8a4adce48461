import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitPath } from '../../../src/lib/delta/log';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import type { TablePosition } from '../../../src/lib/delta/position';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { type CompareWarehouseOptions, compareWarehouse } from '../../../src/lib/verify/compareWarehouse';
import { sumWarehouseRows } from '../../../src/lib/verify/warehouseSums';
import { replacingPrefix } from '../../../src/lib/warehouse/shadow';
import { fullName, type Warehouse } from '../../../src/lib/warehouse/warehouse';
import { assetStream, assetTable } from '../../kit/assetStream';
import { type Harness, implementations } from '../warehouse/harness';
import { type Click, clicksTable, clicksToLoad, headOf, loadRows } from './loadedTable';
import { createdOn, StreamTables } from './streamTables';

/** A hub that was made at no whole second. */
const madeLater = new Date(createdOn.getTime() + 86_400_123);

describe.each(implementations)('compareWarehouse: %s', (_name, make) => {
  let harness: Harness;
  let warehouse: Warehouse;
  let tables: StreamTables;
  beforeEach(async () => {
    harness = await make();
    warehouse = harness.open();
    await warehouse.init([clicksTable, assetTable]);
    tables = new StreamTables();
  });
  afterEach(() => harness.close());

  /** A version of the Delta table with these rows. */
  async function commit(clicks: readonly Click[]): Promise<TablePosition> {
    for (const made of [createdOn, madeLater]) {
      const rows = clicks.filter(([, , of = createdOn]) => of === made);
      if (rows.length > 0)
        await tables.commit(
          rows.map(([partition, sequenceNumber]) => [partition, sequenceNumber]),
          [],
          made,
        );
    }
    return headOf(tables.store);
  }

  const load = async (clicks: readonly Click[], rejected: readonly Click[] = []) =>
    loadRows(warehouse, await headOf(tables.store), clicksToLoad(clicks, rejected));

  const compare = (options: Partial<CompareWarehouseOptions> = {}) =>
    compareWarehouse({
      at: { store: tables.store, table: clickstream.table },
      table: clicksTable,
      warehouse,
      pauseMs: 1,
      ...options,
    });

  const clicks: Click[] = [
    [0, 0],
    [0, 1],
    [1, 7],
    [0, 0, madeLater],
  ];

  it('is equal if it has the rows of the Delta table in any order', async () => {
    await commit(clicks);
    await load(clicks.toReversed());
    let progress: number[] = [];
    const onFile = (...told: number[]) => {
      progress = told;
    };
    const compared = await compare({ onFile });
    expect(progress).toEqual([2, 2]);
    expect(compared).toEqual({ state: 'equal', version: 2, rows: 4, rejected: 0, deltaRows: 4 });
  });

  it('counts the rejected rows in, and no others than those of the table', async () => {
    await commit(clicks);
    await load(clicks.slice(1), clicks.slice(0, 1));
    const position = await headOf(tables.store);
    const { count: _, ...others } = clicksToLoad([], clicks);
    await loadRows(
      warehouse,
      position,
      { ...others, columns: assetTable.columns.map(() => []), count: 0 },
      assetTable,
    );
    expect(await compare()).toEqual({ state: 'equal', version: 2, rows: 3, rejected: 1, deltaRows: 4 });
  });

  it('names the partitions of which rows are missing', async () => {
    await commit(clicks);
    await load(clicks.slice(1, 3));
    expect(await compare()).toEqual({
      state: 'different',
      ...{ version: 2, rows: 2, rejected: 0, deltaRows: 4 },
      partitions: [
        {
          source: { hubCreatedAt: createdOn.getTime() * 1000, partition: 0 },
          found: { rows: 1, sequenceNumberSum: 1n },
          expected: { rows: 2, sequenceNumberSum: 1n },
        },
        {
          source: { hubCreatedAt: madeLater.getTime() * 1000, partition: 0 },
          found: { rows: 0, sequenceNumberSum: 0n },
          expected: { rows: 1, sequenceNumberSum: 0n },
        },
      ],
    });
  });

  it('names the partitions of which there are too many rows, also ones that the Delta table does not know', async () => {
    await commit(clicks);
    await load([...clicks, [1, 7], [9, 3]]);
    expect(await compare()).toMatchObject({
      state: 'different',
      partitions: [
        {
          source: { partition: 1 },
          found: { rows: 2, sequenceNumberSum: 14n },
          expected: { rows: 1, sequenceNumberSum: 7n },
        },
        {
          source: { partition: 9 },
          found: { rows: 1, sequenceNumberSum: 3n },
          expected: { rows: 0, sequenceNumberSum: 0n },
        },
      ],
    });
  });

  it('tells rows of the warehouse without an address apart, before the partitions', async () => {
    await commit(clicks);
    await load(clicks.slice(1));
    const rows = clicksToLoad([[0, 5]]);
    const columns = rows.columns.map((cells, column) =>
      clicksTable.columns[column]?.name.startsWith('hub_') ? cells.map(() => null) : cells,
    );
    await loadRows(warehouse, await headOf(tables.store), { ...rows, columns });
    expect(await compare()).toMatchObject({
      state: 'different',
      partitions: [
        {
          source: undefined,
          found: { rows: 1, sequenceNumberSum: 5n },
          expected: { rows: 0, sequenceNumberSum: 0n },
        },
        { source: { partition: 0 }, found: { rows: 1 }, expected: { rows: 2 } },
      ],
    });
  });

  it('finds a row in the place of another one', async () => {
    await commit(clicks);
    await load([...clicks.slice(0, 2), [1, 8], ...clicks.slice(3)]);
    expect(await compare()).toMatchObject({
      state: 'different',
      ...{ rows: 4, deltaRows: 4 },
      partitions: [
        {
          source: { partition: 1 },
          found: { rows: 1, sequenceNumberSum: 8n },
          expected: { rows: 1, sequenceNumberSum: 7n },
        },
      ],
    });
  });

  it('compares at the version of the ledger, however far the Delta table is ahead', async () => {
    await commit([[0, 0]]);
    await load([[0, 0]]);
    await commit([[0, 1]]);
    expect(await compare()).toMatchObject({ state: 'equal', version: 1, rows: 1, deltaRows: 1 });
  });

  it('says that nothing was loaded yet', async () => {
    await commit(clicks);
    const reason = 'clickstream.clicks has not been loaded yet';
    expect(await compare()).toEqual({ state: 'not-compared', reason });
  });

  it('needs a rebuild if the ledger is ahead of the Delta table', async () => {
    await commit([[0, 0]]);
    const head = await headOf(tables.store);
    await loadRows(warehouse, { ...head, version: 5 }, clicksToLoad([[0, 0]]));
    expect(await compare()).toEqual({
      state: 'needs-rebuild',
      reason: expect.stringContaining('went back in time: its version 5 is not the one that was loaded'),
    });
  });

  it('needs a rebuild if the Delta table was made again, or is gone', async () => {
    await commit(clicks);
    await load(clicks);
    tables = new StreamTables();
    expect(await compare()).toMatchObject({
      state: 'needs-rebuild',
      reason: expect.stringMatching(/there is no Delta table clicks/),
    });
    await commit([[0, 0]]);
    expect(await compare()).toMatchObject({
      state: 'needs-rebuild',
      reason: expect.stringContaining('is another one'),
    });
  });

  it('needs a rebuild if the log has another entry than the loaded one', async () => {
    const position = await commit(clicks);
    await loadRows(warehouse, { ...position, mark: 'of another entry' }, clicksToLoad(clicks));
    expect(await compare()).toMatchObject({
      state: 'needs-rebuild',
      reason: expect.stringContaining('went back in time: its version 2 is not the one that was loaded'),
    });
  });

  it('needs a rebuild if the version can no longer be opened', async () => {
    await commit([[0, 0]]);
    await load([[0, 0]]);
    await commit([[0, 1]]);
    const unopenable = {
      state: 'needs-rebuild',
      reason: 'version 1 of clicks, up to which clickstream.clicks is loaded, cannot be opened any more',
    };
    const { store } = tables;
    const [file] = (await openSnapshot({ store, table: 'clicks' }, { version: 1 }))?.files.keys() ?? [];
    const kept = (await store.get(`clicks/${file}`))?.bytes ?? new Uint8Array();
    await store.delete(`clicks/${file}`);
    expect(await compare()).toEqual(unopenable);
    await store.put(`clicks/${file}`, kept);
    expect(await compare()).toMatchObject({ state: 'equal' });
    await checkpoint({ at: { store, table: 'clicks' } });
    await store.delete(commitPath('clicks', 0));
    expect(await compare()).toEqual(unopenable);
  });

  it('never compares while a rebuilt table is taking the place', async () => {
    await commit(clicks);
    await loadRows(
      warehouse,
      {
        tableId: `${replacingPrefix('held', { ...clicksTable, name: 'clicks__reload_2_x' })}id`,
        version: 2,
        mark: undefined,
      },
      clicksToLoad([]),
    );
    const reason = 'a rebuilt table is taking the place of clickstream.clicks';
    expect(await compare()).toEqual({ state: 'not-compared', reason, isMoving: true });
  });

  /** The same warehouse, in which something happens after each time that the rows of the clicks are added up. */
  const withLoads = (after: () => Promise<void>): Pick<Warehouse, 'ledger' | 'query'> => ({
    ledger: () => warehouse.ledger(),
    query: async (sql) => {
      const answer = await warehouse.query(sql);
      if (sql.includes('"clicks"')) await after();
      return answer;
    },
  });

  /** Commits one more click and loads it. */
  async function loadNext(sequenceNumber: number): Promise<void> {
    const to = await commit([[2, sequenceNumber]]);
    await loadRows(warehouse, to, clicksToLoad([[2, sequenceNumber]]));
  }

  it('starts over when the ledger moves meanwhile', async () => {
    await commit(clicks);
    await load(clicks);
    let loads = 0;
    const moving = withLoads(async () => {
      if (loads < 3) await loadNext(loads++);
    });
    expect(await compare({ warehouse: moving })).toMatchObject({ state: 'equal', version: 5, rows: 7 });
    expect(loads).toBe(3);
  });

  it('gives up when loads keep moving the ledger', async () => {
    await commit(clicks);
    await load(clicks);
    let loads = 0;
    const reason = 'loads keep moving clickstream.clicks';
    expect(await compare({ warehouse: withLoads(() => loadNext(loads++)) })).toEqual({
      state: 'not-compared',
      reason,
      isMoving: true,
    });
  });

  it('takes rows of a load that is not committed for no difference', async () => {
    await commit(clicks);
    await load(clicks.slice(0, 1));
    let looks = 0;
    const committing = withLoads(async () => {
      if (++looks === 1) await load(clicks.slice(1));
    });
    expect(await compare({ warehouse: committing })).toMatchObject({ state: 'equal', rows: 4 });
    expect(looks).toBe(2);
  });

  it('finds a difference while loads go on', async () => {
    await commit(clicks);
    await load(clicks.slice(1));
    let looks = 0;
    const moving = withLoads(async () => {
      if (++looks % 2 === 0) await loadNext(looks);
    });
    expect(await compare({ warehouse: moving })).toMatchObject({
      state: 'different',
      rows: 4,
      deltaRows: 5,
      partitions: [{ source: { partition: 0 }, found: { rows: 1 }, expected: { rows: 2 } }],
    });
  });

  it('starts over when a swap takes the name away from the table', async () => {
    const to = await commit(clicks);
    const swapped = { ...clicksTable, name: 'swapped' };
    const make = () =>
      warehouse.createShadow({ table: clicksTable, shadow: swapped }, { ...to, version: 0, mark: undefined });
    await make();
    let looks = 0;
    const found = await compare({
      table: swapped,
      warehouse: {
        ledger: () => warehouse.ledger(),
        query: async (sql) => {
          if (++looks > 1) return warehouse.query(sql);
          await warehouse.dropShadow(swapped);
          const answer = warehouse.query(sql);
          await answer.catch(() => {});
          await make();
          await loadRows(warehouse, to, clicksToLoad(clicks), swapped);
          return answer;
        },
      },
    });
    expect(found).toMatchObject({ state: 'equal', rows: 4 });
  });

  it('throws when a table is gone that the ledger says is loaded', async () => {
    const position = await commit(clicks);
    const lost = { ...clicksTable, name: 'lost' };
    const ledger = async () => new Map([[fullName(lost), position]]);
    const query = (sql: string) => warehouse.query(sql);
    await expect(compare({ table: lost, warehouse: { ledger, query } })).rejects.toMatchObject({
      code: 'warehouse.refused',
    });
  });

  it('adds up numbers beyond 64 bits without loss', async () => {
    const largest = Number.MAX_SAFE_INTEGER;
    const rows = clicksToLoad(Array.from({ length: 1100 }, (): Click => [3, 0]));
    const columns = rows.columns.map((cells, column) =>
      clicksTable.columns[column]?.name === 'sequence_number' ? cells.map(() => largest) : cells,
    );
    await loadRows(warehouse, { tableId: 'any', version: 0, mark: undefined }, { ...rows, columns });
    const { sums } = await sumWarehouseRows(warehouse, clicksTable);
    expect([...sums.partitions.values()]).toMatchObject([
      { source: { partition: 3 }, rows: 1100, sequenceNumberSum: 1100n * BigInt(largest) },
    ]);
  });

  describe('a table that does not tell partitions apart', () => {
    /** A version of the assets with so many rows. */
    async function commitAssets(count: number): Promise<TablePosition> {
      const at = { store: tables.store, table: assetStream.table };
      const fields = tableFields(assetStream);
      const appender = new TableAppender({ at, fields });
      const now = Date.UTC(2026, 0, 1) * 1000;
      const values: Record<string, string | number> = {
        string: 'x',
        long: 1,
        double: 1,
        integer: 0,
        timestamp: now,
      };
      const columns = fields.map(({ type }) =>
        Array.from({ length: count }, () => values[String(type)] ?? null),
      );
      await appender.appendRows(columns, count);
      return headOf(tables.store, assetStream.table);
    }

    const assets = (count: number, rejected: readonly Click[] = []) => ({
      columns: assetTable.columns.map(({ type }) =>
        Array.from({ length: count }, () => (type.startsWith('varchar') ? 'x' : 1_767_225_600_000_000)),
      ),
      count,
      rejected: clicksToLoad([], rejected).rejected,
    });

    const compareAssets = () =>
      compare({ at: { store: tables.store, table: assetStream.table }, table: assetTable });

    it('is compared by its number of rows', async () => {
      const to = await commitAssets(5);
      await loadRows(warehouse, to, assets(4, [[0, 1]]), assetTable);
      expect(await compareAssets()).toEqual({
        state: 'equal',
        version: 1,
        rows: 4,
        rejected: 1,
        deltaRows: 5,
      });
    });

    it('is different if some or all rows are missing', async () => {
      await loadRows(warehouse, await commitAssets(5), assets(0), assetTable);
      expect(await compareAssets()).toEqual({
        state: 'different',
        ...{ version: 1, rows: 0, rejected: 0, deltaRows: 5 },
        partitions: [],
      });
    });
  });
});

it('reads the times that the client of SQL Server answers', async () => {
  const answers: Record<string, unknown>[][] = [
    [{ created_at: madeLater, partition_id: 3, row_count: '2', sequence_sum: '9' }],
    [],
  ];
  const { sums } = await sumWarehouseRows({ query: async () => answers.shift() ?? [] }, clicksTable);
  expect([...sums.partitions.values()]).toEqual([
    { source: { hubCreatedAt: madeLater.getTime() * 1000, partition: 3 }, rows: 2, sequenceNumberSum: 9n },
  ]);
});
