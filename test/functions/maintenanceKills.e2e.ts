import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { type HostProcess, settingsAt, startHostProcess } from '../../local/processes';
import { readHistory } from '../../src/lib/delta/history';
import { dayMs } from '../../src/lib/duration';
import { vacuum } from '../../src/lib/maintenance/vacuum';
import type { MaintenanceResult } from '../../src/lib/orchestrations/maintainTables';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import type { ObjectInfo, ObjectStore } from '../../src/lib/storage/objectStore';
import { disabledFunctions } from '../kit/disabledFunctions';
import { appendFiles, pathsOf, readRows, snapshotOf } from '../lib/maintenance/table';
import { type KillingProxy, startKillingProxy } from '../local/durable/killingProxy';

/*
 * A pass of maintenance, while one of two hosts is killed at each of its writes in turn. These are writes to the task hub, which are the
 * events of the orchestration's history, and writes to the lake. The host is killed before the storage gets the write, and after the write
 * is stored but before the host learns of it.
 */

const table = 'dead_letters';
const folder = mkdtempSync(join(tmpdir(), 'maintenance-kills-'));
let azurite: Azurite;
let proxy: KillingProxy;
let store: ObjectStore;

const startHost = (instance: string, storageConnection: string) =>
  startHostProcess({
    port: 0,
    instance,
    settings: {
      ...settingsAt({ storageConnection, brokerPort: 1 }),
      ...disabledFunctions((name) => /^(emit|ingest|startMaintenance|syncWarehouse)/.test(name)),
    },
    logDir: join(folder, 'logs'),
  });

beforeAll(async () => {
  mkdirSync(join(folder, 'logs'));
  azurite = await startAzurite({});
  proxy = await startKillingProxy(azurite, /-instances\/instances\/|\/lake\//);
  store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'lake');
});
afterAll(async () => {
  await proxy?.close();
  await azurite?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Status {
  readonly runtimeStatus: string;
  readonly createdTime: string;
  readonly output: MaintenanceResult;
}

const statusOf = async (host: HostProcess): Promise<Status | undefined> => {
  const reply = await fetch(`${host.url}/api/maintenance`);
  return reply.status === 404 ? undefined : ((await reply.json()) as Status);
};

async function ended(host: HostProcess): Promise<Status> {
  const giveUpAt = Date.now() + 90_000;
  for (;;) {
    const status = await statusOf(host);
    if (status && ['Completed', 'Failed', 'Terminated'].includes(status.runtimeStatus)) return status;
    if (Date.now() > giveUpAt) throw new Error(`The pass is not over: ${JSON.stringify(status)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** How many results are in the history. */
async function tasksDone(host: HostProcess): Promise<number> {
  const hub = `${host.url}/runtime/webhooks/durabletask/instances/maintainTables`;
  const reply = await fetch(`${hub}?showHistory=true&showHistoryOutput=true`);
  const { historyEvents } = (await reply.json()) as { historyEvents: { EventType: string }[] };
  return historyEvents.filter(({ EventType }) => EventType === 'TaskCompleted').length;
}

/** Starts a pass. Without an answer, it may have been started all the same. */
async function start(host: HostProcess): Promise<boolean> {
  const url = `${host.url}/api/maintenance?table=${table}`;
  return fetch(url, { method: 'POST' }).then(
    ({ ok }) => ok,
    () => false,
  );
}

const optimized = async (): Promise<number> =>
  (await readHistory({ store, table }, 1_000_000)).filter(
    ({ commitInfo }) => commitInfo?.operation === 'OPTIMIZE',
  ).length;

/** The host that is killed, and the one that stays. */
interface Hosts {
  victim: HostProcess;
  readonly other: HostProcess;
}

/** Starts a pass, and kills the victim at a write of its own. Returns whether it got so far. */
async function passWithKill(hosts: Hosts, write: number, when: 'before' | 'after'): Promise<boolean> {
  const { victim, other } = hosts;
  const commits = await optimized();
  let gone: Promise<unknown> | undefined;
  const killed = new Promise<void>((done) => {
    proxy.plan(write, when, () => {
      victim.kill('SIGKILL');
      gone = victim.exited.then(() => done());
    });
  });
  const isStarted = await start(victim);
  await Promise.race([killed, ...(isStarted ? [ended(other)] : [])]);
  proxy.plan(0, when, () => {});
  if (!gone) return false;
  await gone;
  hosts.victim = await startHost('one', proxy.connectionString);
  // Perhaps the start itself was lost. Whoever wanted the pass starts it again.
  const isRunning = (await statusOf(other))?.runtimeStatus === 'Running';
  if (!isStarted && !isRunning && (await optimized()) === commits) await start(other);
  return true;
}

it('ends, and has every result once, wherever a host is killed', { timeout: 1_500_000 }, async () => {
  const hosts: Hosts = {
    other: await startHost('two', azurite.connectionString),
    victim: await startHost('one', proxy.connectionString),
  };
  let [kills, rows, tasks] = [0, 0, 0];
  for (let write = 1, isOver = false; !isOver; write++) {
    isOver = true;
    for (const when of ['before', 'after'] as const) {
      await appendFiles({ store, table }, 3, { first: rows });
      rows += 30;
      const commits = await optimized();
      if (await passWithKill(hosts, write, when)) {
        kills++;
        isOver = false;
      }
      const where = `killed ${when} write ${write}`;
      await expectDone(hosts.other, where);
      expect(await optimized(), where).toBe(commits + 1);
      expect(
        (await readRows({ store, table })).map(([id]) => id),
        where,
      ).toEqual(Array.from({ length: rows }, (_, id) => id));
      tasks ||= await tasksDone(hosts.other);
      expect(await tasksDone(hosts.other), where).toBe(tasks);
    }
  }
  console.log(`${kills} kills, ${tasks} results in a history`);
  expect(kills).toBeGreaterThan(20);
  await Promise.all([hosts.victim.stop(), hosts.other.stop()]);
  await expectNoOrphans();
});

async function expectDone(host: HostProcess, where: string): Promise<void> {
  const { runtimeStatus, output } = await ended(host);
  expect([runtimeStatus, output.failures], where).toEqual(['Completed', []]);
  expect(output.tables[0]?.compaction, where).toMatchObject({ bins: 1, conflicts: 0, left: 0 });
}

/** Past the retention, a vacuum leaves nothing but what a version needs. */
async function expectNoOrphans(): Promise<void> {
  const { files, tombstones } = await snapshotOf({ store, table });
  await vacuum({ at: { store: aged(store), table } });
  const left = (await pathsOf({ store, table })).filter(
    (path) => path.endsWith('.parquet') && !path.includes('/_'),
  );
  const needed = [...files.keys(), ...tombstones.keys()].map((path) => `${table}/${path}`);
  expect(left.sort()).toEqual(needed.sort());
}

/** A store whose data files are ten days older. */
const aged = (real: ObjectStore): ObjectStore =>
  new Proxy(real, {
    get: (target, name) => {
      if (name === 'list') return (prefix: string) => listAged(target.list(prefix));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

async function* listAged(objects: AsyncIterable<ObjectInfo>): AsyncIterable<ObjectInfo> {
  for await (const object of objects) {
    const isData = !object.path.includes('/_');
    const age = isData ? 10 * dayMs : 0;
    yield { ...object, lastModified: new Date(object.lastModified.getTime() - age) };
  }
}
