import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { field } from '../../src/lib/delta/schema';
import { checkpoint } from '../../src/lib/maintenance/checkpoint';
import { checkTable } from '../../src/lib/maintenance/checkTable';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import { appendRows, readColumns } from '../interop/ourTable';
import { type DataLakeEndpoint, startDataLakeEndpoint } from '../kit/dataLakeEndpoint';
import { Peer } from '../kit/peer';

/*
 * Features that Spark turns on in a table of ours, each in one of its own: what we say of them, and whether the table takes appends
 * after they were turned off.
 */

let azurite: Azurite;
let store: ObjectStore;
let endpoint: DataLakeEndpoint;
let spark: Peer;

beforeAll(async () => {
  azurite = await startAzurite();
  store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'lake');
  endpoint = await startDataLakeEndpoint(azurite.connectionString);
  const { address, accountName: account, accountKey: key } = endpoint;
  spark = new Peer('test/spark/sparkPeer.py', 'spark-venv');
  await spark.call('connect', { address, account, key });
});
afterAll(async () => {
  await spark?.close();
  await endpoint?.close();
  await azurite?.close();
});

const sql = (statement: string) => spark.call<string[][]>('sql', { statement });
const named = (table: string) => `delta.\`abfs://lake@devstoreaccount1.dfs.core.windows.net/${table}\``;

const fields = [field('id', 'long'), field('name', 'string')];
const appendId = (table: string, id: number) => appendRows({ store, table }, fields, [[id, `name ${id}`]]);

/** Turns a feature on. The next append must be refused, by its name and with these words. */
async function expectRefusal(table: string, on: readonly string[], words: readonly string[]): Promise<void> {
  await appendId(table, 1);
  await appendId(table, 2);
  for (const statement of on) await sql(`ALTER TABLE ${named(table)} ${statement}`);
  const refused = await appendId(table, 3).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'delta.unsupported' });
  for (const word of words) expect(String(refused)).toContain(word);
}

describe('a feature that Spark turns on and off', () => {
  it.each([
    {
      feature: 'columnMapping',
      on: ["SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')"],
      off: 'DROP FEATURE columnMapping',
    },
    {
      feature: 'typeWidening',
      on: ["SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true')"],
      off: 'DROP FEATURE typeWidening',
    },
    {
      feature: 'v2Checkpoint',
      on: ["SET TBLPROPERTIES ('delta.checkpointPolicy' = 'v2')"],
      off: 'DROP FEATURE v2Checkpoint',
    },
    {
      feature: 'CURRENT_DEFAULT',
      on: [
        "SET TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')",
        "ALTER COLUMN name SET DEFAULT 'x'",
      ],
      off: 'ALTER COLUMN name DROP DEFAULT',
    },
  ])('leaves a table that takes appends: $feature', async ({ feature, on, off }) => {
    const table = `off-${feature}`;
    await expectRefusal(table, on, [feature, off.replace('name', '<column>')]);
    await sql(`ALTER TABLE ${named(table)} ${off}`);
    await appendId(table, 3);
    await checkpoint({ at: { store, table } });
    expect((await readColumns({ store, table })).get('id')?.toSorted()).toEqual([1, 2, 3]);
    expect((await checkTable({ at: { store, table } }))?.findings).toEqual([]);
    expect(await sql(`SELECT count(*), max(name) FROM ${named(table)}`)).toEqual([['3', 'name 3']]);
  });
});

describe('a feature that Spark cannot turn off', () => {
  it.each([
    {
      feature: 'rowTracking',
      on: "SET TBLPROPERTIES ('delta.enableRowTracking' = 'true')",
      advice: 'DROP FEATURE rowTracking, which needs Delta Lake 4.1.',
    },
    { feature: 'clustering', on: 'CLUSTER BY (id)', advice: 'cannot drop clustering: copy the rows' },
  ])('is said to stay with this version: $feature', async ({ feature, on, advice }) => {
    const table = `on-${feature}`;
    await expectRefusal(table, [on], [feature, advice]);
    await expect(sql(`ALTER TABLE ${named(table)} DROP FEATURE ${feature}`)).rejects.toThrow(
      'DROP_NONREMOVABLE_FEATURE',
    );
    expect((await readColumns({ store, table })).get('id')?.toSorted()).toEqual([1, 2]);
  });
});
