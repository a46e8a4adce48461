import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fullName } from '../../../../src/lib/warehouse/warehouse';
import { clicksAt, tdsHarness } from '../harness';

/*
 * The primary key of a ledger that was made before there was one, in engines that enforce keys.
 */

const ledger = 'ops.load_ledger';
const old = { tableId: 'id', version: 7, mark: undefined };
let harness: Awaited<ReturnType<typeof tdsHarness>>;
let server: typeof harness.server;
/** A warehouse of a process that starts now. */
let start: typeof harness.open;

beforeEach(async () => {
  harness = await tdsHarness('server');
  ({ server, open: start } = harness);
  await start().init([clicksAt]);
  await harness.earlier.makeLedger(fullName(clicksAt), old);
  server.errors.length = 0;
});
afterEach(() => harness.close());

describe('a ledger of an earlier release', () => {
  it('gets its key, also if eight processes add it at once', async () => {
    expect(server.engine.table(ledger).primaryKey).toBeUndefined();
    await Promise.all(Array.from({ length: 8 }, () => start().init([clicksAt])));
    expect(server.engine.table(ledger).primaryKey).toEqual(['table_name']);
    expect(server.rows(ledger)).toHaveLength(1);
    expect(server.rows(ledger)[0]).toMatchObject({ delta_id: 'id', last_version: 7n });
    expect(harness.warnings).toEqual([]);
    const before = server.batches.length;
    await start().init([clicksAt]);
    expect(server.batches.slice(before).filter((text) => /^ALTER/.test(text))).toEqual([]);
  });

  it('that has two rows of a table is refused, with what to do', async () => {
    await harness.client.batch(
      `INSERT INTO ${ledger} (table_name, delta_id, last_version, batch_token) SELECT 'clickstream.clicks', 'id', 6, '';`,
    );
    await expect(start().init([clicksAt])).rejects.toMatchObject({
      code: 'warehouse.ledger',
      message: expect.stringContaining('more than one row for clickstream.clicks: delete all but the one'),
    });
    expect(server.rows(ledger)).toHaveLength(2);
  });

  it('stays without a key if the login may not add it', async () => {
    const warehouse = start();
    await warehouse.ledger();
    server.engine.alterRefusal = { number: 1088, message: 'You do not have permissions.' };
    await warehouse.init([clicksAt]);
    expect(harness.warnings).toEqual([expect.stringContaining('ops.load_ledger gets no primary key: ')]);
    expect((await warehouse.ledger()).get(fullName(clicksAt))).toStrictEqual(old);
  });

  it('is left alone if another process has just added it', async () => {
    const warehouse = start();
    await warehouse.ledger();
    server.engine.alterRefusal = { number: 1779, message: 'Table already has a primary key defined on it.' };
    await warehouse.init([clicksAt]);
    expect(harness.warnings).toEqual([]);
  });

  it('gets it with the next try if the server is away', async () => {
    const warehouse = start();
    await warehouse.ledger();
    server.engine.alterRefusal = { number: 40613, message: 'The database is not available.' };
    await expect(warehouse.init([clicksAt])).rejects.toMatchObject({ code: 'warehouse.unavailable' });
    server.engine.alterRefusal = undefined;
    await warehouse.init([clicksAt]);
    expect(server.engine.table(ledger).primaryKey).toEqual(['table_name']);
  });
});
