import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openSnapshot } from '../../src/lib/delta/openTable';
import { recordsOf } from '../../src/lib/delta/readStatistics';
import { checkTable } from '../../src/lib/maintenance/checkTable';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import { findStream, loadStreams } from '../../src/lib/streams/loadStreams';
import { problemsOf } from '../../src/lib/verify/partitionAudit';
import { verifyStream } from '../../src/lib/verify/verifyStream';
import { openSynapse } from '../../src/lib/warehouse/synapse/synapseWarehouse';
import { type DataLakeEndpoint, startDataLakeEndpoint } from '../kit/dataLakeEndpoint';
import { disabledSources } from '../kit/disabledFunctions';
import { LocalStack } from '../kit/localStack';
import { Peer } from '../kit/peer';
import { TdsServer } from '../kit/tds/tdsServer';

/*
 * Spark works on the table `clicks` while the pipeline appends to it and the warehouse follows. Each test goes on with the table
 * of the one before.
 */

let stack: LocalStack;
let server: TdsServer;
let endpoint: DataLakeEndpoint;
let spark: Peer;
let store: ObjectStore;
let clicking: { stop(): Promise<void> };
/** The clicks that were sent, and those that Spark appended. */
let sent = 0;
let sparkRows = 0;

beforeAll(async () => {
  server = await TdsServer.start();
  server.keepBatches = false;
  stack = new LocalStack();
  await stack.start({ ...disabledSources(), WAREHOUSE: server.connectionString, COMMIT_INTERVAL: '4s' });
  const warehouse = openSynapse({ address: server.address });
  await warehouse.init((await loadStreams()).flatMap(({ warehouse: table }) => (table ? [table] : [])));
  await warehouse.close();
  const storage = stack.settings.LakeStorage ?? '';
  store = await openAzureBlobStore({ connectionString: storage }, 'lake');
  endpoint = await startDataLakeEndpoint(storage);
  spark = new Peer('test/spark/sparkPeer.py', 'spark-venv');
  await spark.call('connect', {
    address: endpoint.address,
    account: endpoint.accountName,
    key: endpoint.accountKey,
  });
  await stack.startHost('one');
  clicking = keepClicking();
  await vi.waitFor(async () => expect(await rowsAt()).toBeGreaterThan(100), waiting);
});
afterAll(async () => {
  await clicking?.stop();
  await spark?.close();
  await endpoint?.close();
  await stack?.stop();
  await server?.close();
});

const waiting = { timeout: 120_000, interval: 500 };
const clicks = 'delta.`abfs://lake@devstoreaccount1.dfs.core.windows.net/clicks`';

const sql = (statement: string) => spark.call<string[][]>('sql', { statement });

const api = (path: string) => fetch(`${stack.hosts.get('one')?.url}/api/${path}`);

/** Sends some clicks a second until it is stopped. They are committed every few seconds, because Spark reads each commit anew. */
function keepClicking() {
  let isOn = true;
  const clicksSent = (async () => {
    while (isOn) {
      await stack.sendClicks(30);
      sent += 30;
      await sleep(1000);
    }
  })();
  return {
    stop: async () => {
      isOn = false;
      await clicksSent;
    },
  };
}

async function snapshotAt(version?: number) {
  const options = version === undefined ? {} : { version };
  const snapshot = await openSnapshot({ store, table: 'clicks' }, options);
  if (!snapshot) throw new Error('There is no table clicks.');
  return snapshot;
}

async function rowsAt(version?: number): Promise<number> {
  const { files } = await snapshotAt(version);
  return [...files.values()].reduce((sum, add) => sum + (recordsOf(add) ?? 0), 0);
}

/** Resolves once the pipeline has appended after what is there now. */
async function untilItGoesOn(): Promise<void> {
  const before = await rowsAt();
  await vi.waitFor(async () => expect(await rowsAt()).toBeGreaterThan(before), waiting);
}

/** Nothing is lost or doubled, in the table, for Spark, in the counts and, unless told, in the warehouse. */
async function expectAllRight({ warehouse = true } = {}): Promise<void> {
  await clicking.stop();
  const all = sent + sparkRows;
  await vi.waitFor(async () => expect(await rowsAt()).toBe(all), waiting);
  expect(await sql(`SELECT count(*) FROM ${clicks}`)).toEqual([[String(all)]]);
  expect((await checkTable({ at: { store, table: 'clicks' } }))?.findings).toEqual([]);
  const stream = await findStream('clickstream');
  const report = stream && (await verifyStream({ store, stream }));
  const ofHub = report?.partitions.filter(({ partition }) => partition < 100) ?? [];
  expect(ofHub.flatMap(problemsOf)).toEqual([]);
  expect(ofHub.reduce((sum, { rows }) => sum + rows, 0)).toBe(sent);
  const total = async () => ((await (await api('clicks')).json()) as { total: number }).total;
  await vi.waitFor(async () => expect(await total()).toBe(all), waiting);
  if (warehouse) await vi.waitFor(() => expect(server.rows('clickstream.clicks')).toHaveLength(all), waiting);
  clicking = keepClicking();
}

describe('Spark, beside the pipeline', () => {
  it('reads as many rows as we do at one version', async () => {
    const { version } = await snapshotAt();
    const found = await sql(`SELECT count(*) FROM ${clicks} VERSION AS OF ${version}`);
    expect(found).toEqual([[String(await rowsAt(version))]]);
  });

  it('appends rows, makes few files of many, deletes files and adds columns, and all is right after that', async () => {
    // Of a partition that the hub does not have, so that verify can tell them from events.
    const columns =
      'hub_created_at, hub_partition, sequence_number, element, enqueued_at, productid, sessionid';
    await sql(
      `INSERT INTO ${clicks} (${columns}) SELECT current_timestamp(), 100, id, 0, current_timestamp(), 3, 7 FROM range(5)`,
    );
    sparkRows += 5;
    await untilItGoesOn();
    const before = (await snapshotAt()).files.size;
    await sql(`OPTIMIZE ${clicks}`);
    expect((await snapshotAt()).files.size).toBeLessThan(before);
    await untilItGoesOn();
    await sql(`VACUUM ${clicks}`);
    await sql(`ALTER TABLE ${clicks} ADD COLUMNS (price DECIMAL(10, 2), note STRING, tags ARRAY<STRING>)`);
    await untilItGoesOn();
    await expectAllRight();
  });

  /** What Spark turns on and off, and what the log of the app says meanwhile. */
  const features = [
    {
      name: 'a constraint',
      on: 'ADD CONSTRAINT positive CHECK (productid > 0)',
      refusal: 'the check constraint delta.constraints.positive',
      off: 'DROP CONSTRAINT positive',
      // Spark checks the rows that are there, and gives up if others come meanwhile.
      whileQuiet: true,
    },
    {
      name: 'the change data feed',
      on: "SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')",
      refusal: 'the table property delta.enableChangeDataFeed=true',
      off: "SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'false')",
    },
    {
      name: 'timestamps in commits',
      on: "SET TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true')",
      refusal: 'the table property delta.enableInCommitTimestamps=true',
      off: "SET TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'false')",
    },
    {
      name: 'deletion vectors',
      on: "SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
      refusal: 'the table feature deletionVectors',
      off: 'DROP FEATURE deletionVectors',
      ofReaders: true,
    },
  ];

  it.each(features)('$name: the app says how it is turned off, and goes on when it is', async (feature) => {
    const { on, off, refusal, whileQuiet = false, ofReaders = false } = feature;
    if (whileQuiet) {
      await clicking.stop();
      await vi.waitFor(async () => expect(await rowsAt()).toBe(sent + sparkRows), waiting);
    }
    await sql(`ALTER TABLE ${clicks} ${on}`);
    if (whileQuiet) clicking = keepClicking();
    const refused = `${refusal}, which is not implemented.`;
    await vi.waitFor(() => expect(stack.log('one')).toContain(refused), waiting);
    // The log is JSON, in which the statement stands as it is to be run.
    const said = stack.log('one').slice(stack.log('one').lastIndexOf(refused));
    expect(said.slice(0, 400)).toContain(off);
    const health = async () => (await api('health')).text();
    await vi.waitFor(
      async () => expect(await health()).toContain(`${refusal}, which is not implemented.`),
      waiting,
    );
    expect(await health()).toContain(off);
    await sql(`ALTER TABLE ${clicks} ${off}`);
    await untilItGoesOn();
    // A warehouse that stands before a feature of readers was on cannot know what was done meanwhile, and says so.
    await expectAllRight({ warehouse: !ofReaders });
    if (ofReaders) await vi.waitFor(async () => expect(await health()).toContain('rebuild'), waiting);
  });
});
