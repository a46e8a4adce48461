import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addColumns } from '../../../src/lib/delta/addColumns';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import type { Stream, WarehouseTable } from '../../../src/lib/streams/stream';
import { catchUp } from '../../../src/lib/warehouse/catchUp';
import { rebuild } from '../../../src/lib/warehouse/rebuild';
import { fillingPosition, newShadow } from '../../../src/lib/warehouse/shadow';
import { UnloadedCommits } from '../../../src/lib/warehouse/unloadedCommits';
import type { Warehouse } from '../../../src/lib/warehouse/warehouse';
import { assetStream } from '../../kit/assetStream';
import { asset, assetsTable, DeltaTable } from './deltaTable';
import { assetsAt, type Harness, implementations } from './harness';

/*
 * A stream that has gained columns. `assetsAt` is its table as processes of the previous release know it, `widerAt` as the new ones.
 */

/** Between the columns that are there, because a stream may declare its columns in any order. */
const [first, ...others] = assetsAt.columns;
const widerAt: WarehouseTable = {
  ...assetsAt,
  columns: [
    ...(first ? [first] : []),
    { name: 'market', from: 'market', type: 'varchar(10)' },
    ...others,
    { name: 'at_hub', from: 'enqueued_at', type: 'datetime2(6)' },
  ],
};
const wider: Stream = {
  ...assetStream,
  columns: [...assetStream.columns, { name: 'market', type: 'string', nullable: true }],
};

const signal = new AbortController().signal;

describe.shuffle.each(implementations)('new columns of a table: %s', (_name, make) => {
  let harness: Harness;
  let warehouse: Warehouse;
  let delta: DeltaTable;
  beforeEach(async () => {
    harness = await make();
    warehouse = harness.open();
    await warehouse.init([assetsAt]);
    delta = await assetsTable();
    await delta.commit([asset({ id: 'before' })]);
  });
  afterEach(() => harness.close());

  const follow = (table: WarehouseTable) =>
    catchUp({ warehouse: harness.open(), commits: new UnloadedCommits(delta.at), table, signal });

  /** The lake gets the column, and a row with a value in it. */
  async function commitWider(id: string): Promise<void> {
    await addColumns(delta.at, tableFields(wider));
    await new DeltaTable(wider, delta.at.store).commit([[...asset({ id }), 'spot']]);
  }

  const rows = async (columns = 'id, symbol, market') =>
    (await warehouse.query(`SELECT ${columns} FROM assets.asset_statistics_history_v3`))
      .map((row) => Object.values(row).join(' '))
      .sort();

  it('are added before the first load that has them, and are null in the rows that are there', async () => {
    await follow(assetsAt);
    await commitWider('after');
    expect(await follow(widerAt)).toMatchObject({ state: 'current' });
    expect(await rows()).toEqual(['after BTC spot', 'before BTC ']);
    const filled = 'SELECT id FROM assets.asset_statistics_history_v3 WHERE NOT at_hub IS NULL';
    expect(await warehouse.query(filled)).toEqual([{ id: 'after' }]);
    expect(await warehouse.missingColumns(widerAt)).toEqual([]);
  });

  it('are added by init too, which can be run again', async () => {
    await follow(assetsAt);
    expect(await warehouse.missingColumns(widerAt)).toEqual(['market', 'at_hub']);
    await warehouse.init([widerAt]);
    await warehouse.init([widerAt]);
    expect(await warehouse.missingColumns(widerAt)).toEqual([]);
    expect(await rows()).toEqual(['before BTC ']);
  });

  it('do not shift the rows of a process that does not know them, before and after a new process', async () => {
    await warehouse.init([widerAt]);
    await follow(assetsAt);
    await commitWider('new');
    await follow(widerAt);
    await commitWider('old again');
    expect(await follow(assetsAt)).toMatchObject({ state: 'current' });
    await commitWider('new again');
    await follow(widerAt);
    expect(await rows()).toEqual(['before BTC ', 'new BTC spot', 'new again BTC spot', 'old again BTC ']);
    const ids = await rows('id_asset_statistics_history');
    expect(new Set(ids).size).toBe(4);
  });

  it('come once if two processes add them at the same time, and no row is lost or doubled', async () => {
    await follow(assetsAt);
    await commitWider('after');
    await Promise.all([follow(widerAt), follow(widerAt), follow(assetsAt)]);
    await commitWider('later');
    await follow(widerAt);
    expect(await rows('id')).toEqual(['after', 'before', 'later']);
    expect(await rows()).toContain('later BTC spot');
  });

  it('are in a table that is rebuilt, with the values of the lake', async () => {
    await follow(assetsAt);
    await commitWider('after');
    await follow(assetsAt);
    await rebuild({ warehouse, at: delta.at, table: widerAt, signal });
    expect(await rows()).toEqual(['after BTC spot', 'before BTC ']);
  });

  it('come back after a process that does not know them has rebuilt the table', async () => {
    await commitWider('after');
    await follow(widerAt);
    await rebuild({ warehouse, at: delta.at, table: assetsAt, signal });
    // Where the table stays, its columns do too.
    const missing = await warehouse.missingColumns(widerAt);
    expect([[], ['market', 'at_hub']]).toContainEqual(missing);
    await commitWider('later');
    await follow(widerAt);
    expect(await rows()).toEqual(['after BTC ', 'before BTC ', 'later BTC spot']);
  });

  it('are added to the shadow of a rebuild that a process without them has begun', async () => {
    await commitWider('after');
    await follow(assetsAt);
    const {
      tableId = '',
      version = 0,
      mark,
    } = (await warehouse.ledger()).get('assets.asset_statistics_history_v3') ?? {};
    const swap = { table: assetsAt, shadow: newShadow(assetsAt, version) };
    await warehouse.createShadow(swap, fillingPosition({ tableId, mark }, 0));
    expect(await rebuild({ warehouse, at: delta.at, table: widerAt, signal })).toMatchObject({
      outcome: 'rebuilt',
    });
    expect(await rows()).toEqual(['after BTC spot', 'before BTC ']);
  });

  it('are added to a complete shadow of a process without them before it takes the place of the table', async () => {
    const narrow = { table: assetsAt, shadow: newShadow(assetsAt, 1) };
    await warehouse.createShadow(narrow, { tableId: 'id', version: 1, mark: undefined });
    expect(await warehouse.hold(narrow)).toBe(true);
    const swap = { table: widerAt, shadow: { ...widerAt, name: narrow.shadow.name } };
    expect(await warehouse.swap(swap)).toBe('swapped');
    expect(await warehouse.missingColumns(widerAt)).toEqual([]);
  });

  it('are not looked for in a table that is not there', async () => {
    expect(await warehouse.missingColumns({ ...widerAt, name: 'none' })).toEqual([]);
  });
});
