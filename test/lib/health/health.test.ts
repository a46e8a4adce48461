import { describe, expect, it } from 'vitest';
import { logWithHole } from '../../../src/lib/delta/hole';
import { ensureReadable } from '../../../src/lib/delta/protocol';
import type { TableState } from '../../../src/lib/delta/state';
import { type ErrorCode, TributaryError } from '../../../src/lib/errors';
import {
  composeHealth,
  type Health,
  type StreamSources,
  withFailuresHere,
} from '../../../src/lib/health/health';
import { type Outcome, Recent } from '../../../src/lib/health/recent';
import { StuckPartitions } from '../../../src/lib/health/stuckPartitions';
import type { WarehouseHealth } from '../../../src/lib/health/warehouseHealth';
import { failurePath, type IngestFailure, readFailures } from '../../../src/lib/ingest/ingestFailure';
import { IngestStatus } from '../../../src/lib/ingest/ingestStatus';
import { deadLettersTable } from '../../../src/lib/lake/deadLetters';
import type { HubHeads } from '../../../src/lib/lake/hubHeads';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { Stream } from '../../../src/lib/streams/stream';
import { deviations } from '../../functions/openapiContract';
import { assetStream } from '../../kit/assetStream';
import { committedTo } from './committedTo';

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
const idle = { lastCommit: null, eventsCommitted: 0, waiting: 0, lettersLastHour: 0, problems: [] };
const emptyHub: HubHeads = {
  generation: { namespace: 'contoso', hub: 'clicks', createdOn: new Date(start) },
  partitions: [],
};

/** The lake, a process that ingests into it, and another process that answers the health. */
class Stand {
  readonly store = new MemoryStore();
  now = start;
  warehouse: Outcome<WarehouseHealth> = { value: noWarehouse };
  failures: Outcome<never> | undefined;
  letters: Outcome<ReadonlyMap<string, number>> = { value: new Map() };
  table: Outcome<TableState | undefined> = { value: undefined };
  hub: Outcome<HubHeads> = { value: emptyHub };
  readonly #streams = [clickstream, assetStream].map((stream) => this.#sourcesOf(stream));

  async fail(stream: string, partitionId: string, error: unknown): Promise<void> {
    const status = new IngestStatus({
      store: async () => this.store,
      warn: () => {},
      now: () => this.now,
    });
    status.failed(stream, partitionId, error);
    await status.settled();
  }

  /** The health after this many seconds. */
  async after(seconds: number): Promise<Health> {
    this.now = start + seconds * 1000;
    const health = await composeHealth({
      streams: this.#streams,
      failures: async () => this.failures ?? { value: await readFailures(this.store) },
      letters: async () => this.letters,
      warehouse: async () => this.warehouse,
      now: () => this.now,
    });
    expectContract(health);
    return health;
  }

  /** The table and the hub are those of the clickstream; the other stream has none. */
  #sourcesOf(stream: Stream): StreamSources {
    const isClicks = stream === clickstream;
    const now = () => this.now;
    return {
      stream,
      table: async () => (isClicks ? this.table : { value: undefined }),
      hub: async () => (isClicks ? this.hub : { value: emptyHub }),
      stuck: new StuckPartitions({ now, monotonicNow: now }),
    };
  }
}

const refused = (error: ErrorCode) => ({ error });

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
        { stream: 'clickstream', table: 'clicks', status: 'ok', ...idle, partitions: [], failures: [] },
        { stream: 'prices', table: 'assets', status: 'ok', ...idle, partitions: [], failures: [] },
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
    expect(streams).toMatchObject([
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

  it('says which feature of its table is not implemented, and the statement that turns it off', async () => {
    const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['deletionVectors'] };
    const ask = async () => ensureReadable(protocol, 'lake/clicks version 3');
    const error = await ask().catch((thrown: unknown) => thrown);
    const stand = new Stand();
    await stand.fail('clickstream', '0', error);
    const recent = new Recent({ ask, ageMs: 1, limitMs: 1000, lateCode: 'storage.unavailable' });
    stand.table = (await recent.read()) as Outcome<never>;
    const refusal =
      'reading needs the table feature deletionVectors, which is not implemented. Turn it off: ALTER TABLE <table> DROP FEATURE deletionVectors.';
    const { status, streams } = await stand.after(6);
    expect(status).toBe('failing');
    expect(streams[0]).toMatchObject({
      problems: [{ source: 'table', code: 'delta.unsupported', refusal }],
      failures: [{ code: 'delta.unsupported', refusal }],
    });
  });

  it('contains no other messages', async () => {
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

describe('the progress of a stream', () => {
  it('tells the last commit, the committed and the waiting events, and the letters', async () => {
    const stand = new Stand();
    const { heads, state } = await committedTo({ '0': [99, 120], '1': [-1, 4] });
    stand.table = { value: state };
    stand.hub = { value: heads };
    stand.letters = { value: new Map([['clickstream', 7]]) };
    const { status, streams } = await stand.after(0);
    expect(status).toBe('ok');
    expect(streams[0]).toMatchObject({
      lastCommit: new Date(state.committedAt ?? 0).toISOString(),
      eventsCommitted: 100,
      waiting: 26,
      lettersLastHour: 7,
      partitions: [
        { partition: '0', committed: 99, head: 120, waiting: 21 },
        { partition: '1', committed: -1, head: 4, waiting: 5 },
      ],
    });
  });

  it('is failing when events wait for two minutes and nothing is committed, and names the command', async () => {
    const stand = new Stand();
    const { heads, state } = await committedTo({ '0': [99, 120], '1': [4, 4] });
    stand.table = { value: state };
    stand.hub = { value: heads };
    expect((await stand.after(0)).status).toBe('ok');
    expect((await stand.after(119)).status).toBe('ok');
    expect(await stand.after(120)).toMatchObject({
      status: 'failing',
      streams: [
        {
          partitions: [
            {
              partition: '0',
              stuckSince: new Date(start).toISOString(),
              remedy: { command: 'npm run checkpoints -- skip clickstream 0', stopApp: true },
            },
            { partition: '1', waiting: 0 },
          ],
        },
        { status: 'ok' },
      ],
    });
  });

  it('names no command about one partition when nothing is read from any', async () => {
    const stand = new Stand();
    const { heads, state } = await committedTo({ '0': [99, 120], '1': [4, 5] });
    stand.table = { value: state };
    stand.hub = { value: heads };
    await stand.after(0);
    const { status, streams } = await stand.after(120);
    expect(status).toBe('failing');
    for (const partition of streams[0]?.partitions ?? []) {
      expect(partition).toHaveProperty('stuckSince');
      expect(partition).not.toHaveProperty('remedy');
    }
  });

  it('names the command that reads a hub from its beginning when all of a hub that was made again is stuck', async () => {
    const stand = new Stand();
    const { heads, state } = await committedTo({ '0': [99, 120], '1': [4, 5] });
    const madeAgain = { ...heads, generation: { ...heads.generation, createdOn: new Date(start) } };
    stand.table = { value: state };
    stand.hub = { value: madeAgain };
    await stand.after(0);
    const { status, streams } = await stand.after(120);
    expect(status).toBe('failing');
    const remedy = { command: 'npm run checkpoints -- reset clickstream', stopApp: true };
    expect(streams[0]?.partitions).toMatchObject([
      { partition: '0', committed: -1, remedy },
      { partition: '1', committed: -1, remedy },
    ]);
  });

  it('names the command of the failure alone when batches of a stuck partition come but fail', async () => {
    const stand = new Stand();
    const { heads, state } = await committedTo({ '0': [99, 120], '1': [4, 4] });
    stand.table = { value: state };
    stand.hub = { value: heads };
    await stand.after(0);
    stand.now = start + 100_000;
    await stand.fail('clickstream', '0', gap);
    const { streams } = await stand.after(150);
    expect(streams[0]?.failures).toMatchObject([
      { partition: '0', remedy: { command: 'npm run checkpoints -- reset clickstream' } },
    ]);
    expect(streams[0]?.partitions[0]).toHaveProperty('stuckSince');
    expect(streams[0]?.partitions[0]).not.toHaveProperty('remedy');
    // No batch has come since.
    expect((await stand.after(221)).streams[0]?.partitions[0]).toHaveProperty('remedy');
  });

  it('passes over the record of a failure after which everything was committed', async () => {
    const stand = new Stand();
    for (const partitionId of ['0', '1', '2']) await stand.fail('clickstream', partitionId, gap);
    stand.now = Date.now() + 1000;
    // Committed since, but not all; committed before the failure.
    await stand.fail('clickstream', '2', gap);
    const { heads, state } = await committedTo({ '0': [99, 99], '1': [4, 5], '2': [7, 7] });
    stand.table = { value: state };
    stand.hub = { value: heads };
    const { streams } = await stand.after(60);
    expect(streams[0]?.failures.map(({ partition }) => partition)).toEqual(['1', '2']);
  });

  it('is degraded, with unknown numbers, when the hub does not answer', async () => {
    const stand = new Stand();
    stand.table = { value: (await committedTo({ '0': [99, 120] })).state };
    stand.hub = refused('hub.unavailable');
    expect((await stand.after(0)).streams[0]).toMatchObject({
      status: 'degraded',
      eventsCommitted: 100,
      waiting: null,
      partitions: [],
      problems: [{ source: 'hub', code: 'hub.unavailable' }],
    });
  });

  it('is failing when its table has a hole, although no batch has met it', async () => {
    const stand = new Stand();
    stand.table = refused('delta.hole');
    const { status, streams } = await stand.after(0);
    expect(status).toBe('failing');
    const remedy = { command: 'npm run table -- repair clicks', stopApp: true };
    expect(streams[0]).toMatchObject({
      status: 'failing',
      lastCommit: null,
      eventsCommitted: null,
      waiting: null,
      problems: [{ source: 'table', code: 'delta.hole', remedy }],
    });
  });

  it('is degraded when the dead letters have a hole: only batches with letters fail', async () => {
    const stand = new Stand();
    stand.letters = refused('delta.hole');
    const remedy = { command: 'npm run table -- repair dead_letters', stopApp: true };
    expect((await stand.after(0)).streams[0]).toMatchObject({
      status: 'degraded',
      lettersLastHour: null,
      problems: [{ source: 'deadLetters', code: 'delta.hole', remedy }],
    });
  });

  it('is degraded when the lake does not answer for its table', async () => {
    const stand = new Stand();
    stand.table = refused('storage.unavailable');
    expect((await stand.after(0)).streams[0]).toMatchObject({
      status: 'degraded',
      problems: [{ source: 'table', code: 'storage.unavailable' }],
    });
  });
});

describe('what cannot be known', () => {
  it('is degraded, with the code, when the lake does not answer', async () => {
    const stand = new Stand();
    stand.failures = refused('storage.unavailable');
    expect(await stand.after(0)).toEqual({
      status: 'degraded',
      error: 'storage.unavailable',
      streams: [],
      warehouse: noWarehouse,
    });
  });

  it('is failing when the lake has not answered for two minutes', async () => {
    const stand = new Stand();
    stand.failures = { error: 'storage.unavailable', forMs: 119_999 };
    expect((await stand.after(0)).status).toBe('degraded');
    stand.failures = { error: 'storage.unavailable', forMs: 120_000 };
    expect((await stand.after(0)).status).toBe('failing');
  });

  it('knows the failures of its own process also where they could not be recorded, as with a full disk', async () => {
    const full = new MemoryStore();
    full.put = async () => {
      throw new TributaryError('storage.unavailable', 'The disk is full.');
    };
    const status = new IngestStatus({ store: async () => full, warn: () => {} });
    status.failed('clickstream', '0', gap);
    await status.settled();
    const recorded = await readFailures(full);
    expect(recorded).toEqual([]);
    expect(withFailuresHere({ value: recorded }, status.unrecorded())).toMatchObject({
      value: [{ stream: 'clickstream', partitionId: '0', code: 'ingest.gap' }],
    });
    const others = { ...status.unrecorded()[0], partitionId: '1' } as IngestFailure;
    const same = { ...others, partitionId: '0', attempts: 9 };
    expect(withFailuresHere({ value: [others, same] }, status.unrecorded())).toEqual({
      value: [others, ...status.unrecorded()],
    });
    status.succeeded('clickstream', '0');
    expect(status.unrecorded()).toEqual([]);
  });

  it('believes the lake about a failure that is recorded: another process may have committed the batch', async () => {
    const stand = new Stand();
    const status = new IngestStatus({ store: async () => stand.store, warn: () => {} });
    status.failed('clickstream', '0', gap);
    await status.settled();
    expect(await readFailures(stand.store)).toHaveLength(1);
    expect(status.unrecorded()).toEqual([]);
  });

  it('is failing with wrong settings, for then nothing is ingested', async () => {
    const stand = new Stand();
    stand.failures = refused('settings.invalid');
    stand.warehouse = refused('settings.invalid');
    expect(await stand.after(0)).toEqual({
      status: 'failing',
      error: 'settings.invalid',
      streams: [],
      warehouse: { kind: 'unknown', status: 'degraded', error: 'settings.invalid', tables: [] },
    });
  });
});

describe('the health of the warehouse', () => {
  it('degrades the whole', async () => {
    const stand = new Stand();
    stand.warehouse = { value: { kind: 'sql', status: 'degraded', tables: [behind] } };
    expect(await stand.after(0)).toMatchObject({
      status: 'degraded',
      streams: [{ status: 'ok' }, { status: 'ok' }],
      warehouse: { kind: 'sql', status: 'degraded', tables: [behind] },
    });
  });

  it('does not hide a partition that is stuck', async () => {
    const stand = new Stand();
    stand.warehouse = {
      value: { kind: 'sql', status: 'degraded', error: 'warehouse.refused', tables: [] },
    };
    await stand.fail('clickstream', '0', gap);
    expect((await stand.after(6)).status).toBe('failing');
  });
});
