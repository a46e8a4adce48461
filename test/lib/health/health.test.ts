import { describe, expect, it } from 'vitest';
import { logWithHole } from '../../../src/lib/delta/hole';
import { TributaryError } from '../../../src/lib/errors';
import { FailureReader } from '../../../src/lib/health/failureReader';
import { composeHealth, type Health } from '../../../src/lib/health/health';
import { failurePath } from '../../../src/lib/ingest/ingestFailure';
import { IngestStatus } from '../../../src/lib/ingest/ingestStatus';
import { deadLettersTable } from '../../../src/lib/lake/deadLetters';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { WarehouseHealth } from '../../../src/lib/warehouse/streamLoaders';
import { deviations } from '../../functions/openapiContract';
import { assetStream } from '../../kit/assetStream';

const start = Date.UTC(2026, 0, 1);
const noWarehouse: WarehouseHealth = { kind: 'none', status: 'ok', tables: [] };
const behind = {
  table: 'clickstream.clicks',
  deltaVersion: 9,
  loadedVersion: 4,
  versionsBehind: 5,
  secondsBehind: null,
  needsRebuild: false,
  loader: 'idle',
};

/** The lake, a process that ingests into it, and another process that answers the health. */
class Stand {
  readonly store = new MemoryStore();
  now = start;
  warehouse: () => Promise<WarehouseHealth> = async () => noWarehouse;
  failures = () => new FailureReader({ store: async () => this.store }).read();

  async fail(stream: string, partition: string, error: unknown): Promise<void> {
    const status = new IngestStatus({
      store: async () => this.store,
      warn: () => {},
      now: () => this.now,
    });
    status.failed(stream, partition, error);
    await status.settled();
  }

  /** The health after this many seconds. */
  async after(seconds: number): Promise<Health> {
    const { failures, warehouse } = this;
    const now = () => start + seconds * 1000;
    const health = await composeHealth({ streams: [clickstream, assetStream], failures, warehouse, now });
    expectContract(health);
    return health;
  }
}

function expectContract(health: Health): void {
  const headers = new Headers({ 'content-type': 'application/json', 'cache-control': 'no-store' });
  const status = health.status === 'failing' ? 503 : 200;
  expect(deviations('/health', { status, headers, body: JSON.stringify(health) })).toEqual([]);
}

const gap = new TributaryError('ingest.gap', 'The events 4 to 6 were not read.');
const contention = new TributaryError('delta.contention', 'No commit went through.');

describe('the health of the streams', () => {
  it('is ok as long as no partition has failed', async () => {
    expect(await new Stand().after(0)).toEqual({
      status: 'ok',
      streams: [
        { stream: 'clickstream', table: 'clicks', status: 'ok', failures: [] },
        { stream: 'prices', table: 'assets', status: 'ok', failures: [] },
      ],
      warehouse: noWarehouse,
    });
  });

  it('names the partitions of a stream that are stuck, and the command that mends them', async () => {
    const stand = new Stand();
    await stand.fail('clickstream', '10', gap);
    await stand.fail(
      'clickstream',
      '9',
      new TributaryError('delta.schema', 'The column x has another type.'),
    );
    const { status, streams } = await stand.after(6);
    expect(status).toBe('failing');
    const times = { since: '2026-01-01T00:00:00.000Z', lastFailure: '2026-01-01T00:00:00.000Z', attempts: 1 };
    const remedy = { command: 'npm run checkpoints -- reset clickstream', stopApp: true };
    expect(streams).toEqual([
      {
        stream: 'clickstream',
        table: 'clicks',
        status: 'failing',
        failures: [
          { partition: '9', code: 'delta.schema', ...times },
          { partition: '10', code: 'ingest.gap', ...times, remedy },
        ],
      },
      { stream: 'prices', table: 'assets', status: 'ok', failures: [] },
    ]);
  });

  it.each(['clicks', deadLettersTable])('names the table whose log has a hole: %s', async (table) => {
    const stand = new Stand();
    await stand.fail('clickstream', '0', logWithHole({ store: stand.store, table }, 4, [6, 7]));
    const { status, streams } = await stand.after(6);
    expect(status).toBe('failing');
    expect(streams[0]?.failures).toMatchObject([
      { code: 'delta.hole', remedy: { command: `npm run table -- repair ${table}`, stopApp: true } },
    ]);
  });

  it.each([
    ['an error that lasts', gap, 4, 6],
    ['an error that may pass by itself', contention, 29, 31],
    ['an error that is not ours', new RangeError('?'), 29, 31],
  ])('calls %s degraded at first, and failing later', async (_what, error, early, late) => {
    const stand = new Stand();
    await stand.fail('prices', '0', error);
    for (const [seconds, status] of [[early, 'degraded'] as const, [late, 'failing'] as const]) {
      const health = await stand.after(seconds);
      expect(health).toMatchObject({ status, streams: [{ status: 'ok' }, { status }] });
      expect(health.streams[1]?.failures).toHaveLength(1);
    }
  });

  it('calls a failure degraded if it was not repeated for an hour', async () => {
    const stand = new Stand();
    await stand.fail('clickstream', '0', gap);
    expect((await stand.after(3599)).status).toBe('failing');
    expect(await stand.after(3600)).toMatchObject({
      status: 'degraded',
      streams: [{ status: 'degraded', failures: [{ partition: '0' }] }, { status: 'ok' }],
    });
  });

  it('contains no messages', async () => {
    const stand = new Stand();
    await stand.fail('clickstream', '0', gap);
    expect(JSON.stringify(await stand.after(6))).not.toContain('were not read');
  });

  it('passes over a damaged file, and one of a stream that is gone', async () => {
    const stand = new Stand();
    await stand.store.put(failurePath('clickstream', '0'), Buffer.from('{"stream":"clickstr'));
    await stand.store.put(failurePath('clickstream', '1'), Buffer.from('null'));
    await stand.fail('visits', '0', gap);
    expect((await stand.after(6)).status).toBe('ok');
  });
});

describe('what cannot be known', () => {
  it('is degraded, with the code, when the lake does not answer', async () => {
    const stand = new Stand();
    const silent = new FailureReader({ store: () => new Promise(() => {}), limitMs: 50 });
    stand.failures = () => silent.read();
    expect(await stand.after(0)).toEqual({
      status: 'degraded',
      error: 'storage.unavailable',
      streams: [],
      warehouse: noWarehouse,
    });
  });

  it('is failing with wrong settings, for then nothing is ingested', async () => {
    const stand = new Stand();
    const refuse = async () => {
      throw new TributaryError('settings.invalid', 'LakeStorage is missing.');
    };
    stand.failures = refuse;
    stand.warehouse = refuse;
    expect(await stand.after(0)).toEqual({
      status: 'failing',
      error: 'settings.invalid',
      streams: [],
      warehouse: { kind: 'unknown', status: 'degraded', error: 'settings.invalid', tables: [] },
    });
  });
});

describe('the health of the warehouse', () => {
  it('degrades the whole, and names the command for a table that needs a rebuild', async () => {
    const stand = new Stand();
    const assets = { ...behind, table: 'assets.asset_statistics_history_v3' };
    stand.warehouse = async () => ({
      kind: 'sql',
      status: 'degraded',
      tables: [{ ...behind, needsRebuild: true, reason: 'version 4 is not in the log any more' }, assets],
    });
    const remedy = { command: 'npm run warehouse -- rebuild clickstream.clicks', stopApp: false };
    expect(await stand.after(0)).toMatchObject({
      status: 'degraded',
      streams: [{ status: 'ok' }, { status: 'ok' }],
      warehouse: {
        kind: 'sql',
        status: 'degraded',
        tables: [{ ...behind, needsRebuild: true, remedy }, assets],
      },
    });
    expect((await stand.after(0)).warehouse.tables[1]).not.toHaveProperty('remedy');
  });

  it('does not hide a partition that is stuck', async () => {
    const stand = new Stand();
    stand.warehouse = async () => ({
      kind: 'sql',
      status: 'degraded',
      error: 'warehouse.refused',
      tables: [],
    });
    await stand.fail('clickstream', '0', gap);
    expect((await stand.after(6)).status).toBe('failing');
  });
});

it('asks the lake once in three seconds, however many ask for the health', async () => {
  let asked = 0;
  let now = 0;
  const store = new MemoryStore();
  const reader = new FailureReader({
    store: async () => {
      asked++;
      return store;
    },
    monotonicNow: () => now,
  });
  await Promise.all(Array.from({ length: 50 }, () => reader.read()));
  now = 2999;
  await reader.read();
  expect(asked).toBe(1);
  now = 3000;
  await reader.read();
  expect(asked).toBe(2);
});
