import { createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  askWaits,
  describeUncounted,
  describeWaits,
  noWaits,
  unlessTold,
  withWaits,
} from '../../local/waits';
import { TributaryError } from '../../src/lib/errors';
import type { Health, StreamHealth } from '../../src/lib/health/health';
import { rebuildRemedy, resetRemedy, stuckRemedy } from '../../src/lib/health/remedies';
import type { WarehouseHealth } from '../../src/lib/health/warehouseHealth';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { clickstream } from '../../src/lib/streams/clickstream';

const since = '2026-11-26T12:03:11.000Z';
const stopped = (command: string) =>
  `end "npm start", start "npm run emulators", run "${command}" in a second terminal, end the emulators, and start again`;

const well: StreamHealth = {
  stream: 'clickstream',
  table: 'clicks',
  status: 'ok',
  lastCommit: since,
  eventsCommitted: 7,
  waiting: 0,
  lettersLastHour: 0,
  problems: [],
  partitions: [],
  failures: [],
};
const loaded: WarehouseHealth['tables'][number] = {
  table: 'clickstream.clicks',
  deltaVersion: 9,
  loadedVersion: 9,
  versionsBehind: 0,
  secondsBehind: 0,
  needsRebuild: false,
  loader: 'idle',
};

function healthOf(stream: Partial<StreamHealth>, table: Partial<typeof loaded> = {}): Health {
  const warehouse = { kind: 'duckdb', status: 'ok', tables: [{ ...loaded, ...table }] } as const;
  return { status: 'ok', streams: [{ ...well, ...stream }], warehouse };
}

const failure = (partitionId: string, code: string) => ({
  partition: partitionId,
  code,
  since,
  lastFailure: since,
  attempts: 3,
});
const partition = (partitionId: string) => ({ partition: partitionId, committed: 1, head: 5, waiting: 4 });

describe('what a stream waits for', () => {
  it('is nothing if health knows nothing', () => {
    expect(describeWaits(healthOf({}), clickstream)).toEqual(noWaits);
  });

  it('names the failing partitions of each code, since when, and where the code is explained', () => {
    const failures = [
      failure('0', 'delta.invalid'),
      failure('2', 'ingest.gap'),
      failure('3', 'delta.invalid'),
    ];
    expect(describeWaits(healthOf({ failures }), clickstream).reasons).toEqual([
      'the batches of partitions 0, 3 fail since 12:03:11 UTC: delta.invalid (docs/errors.md#deltainvalid)',
      'the batches of partition 2 fail since 12:03:11 UTC: ingest.gap (docs/errors.md#ingestgap)',
    ]);
  });

  it('names a remedy once, with what must run meanwhile', () => {
    const remedy = { command: 'npm run checkpoints -- reset clickstream', stopApp: true };
    const failures = ['0', '1'].map((name) => ({ ...failure(name, 'ingest.gap'), remedy }));
    const { remedies, isFailing } = describeWaits(healthOf({ failures }), clickstream);
    expect(remedies).toEqual([stopped(remedy.command)]);
    expect(isFailing).toBe(true);
  });

  it('names a silent partition, and not one that fails', () => {
    const remedy = { command: 'npm run checkpoints -- skip clickstream 1', stopApp: true };
    const partitions = [
      { ...partition('0'), stuckSince: since },
      { ...partition('1'), stuckSince: since, remedy },
      partition('2'),
    ];
    const health = healthOf({ partitions, failures: [failure('0', 'storage.unavailable')] });
    expect(describeWaits(health, clickstream)).toMatchObject({
      reasons: [
        expect.stringMatching(/^the batches of partition 0 fail/),
        'no batch comes of partition 1, as if it had an event that the trigger cannot read, or as if nobody read it; .local/logs/host.log may say which',
      ],
      remedies: [stopped(remedy.command)],
    });
  });

  it('tells what to do once for several silent partitions, and names them', () => {
    const skip = (partitionId: string) => stuckRemedy('clickstream', partitionId);
    const partitions = [
      { ...partition('0'), stuckSince: since, remedy: skip('0') },
      { ...partition('2'), stuckSince: since, remedy: skip('2') },
      partition('3'),
    ];
    const waits = describeWaits(healthOf({ partitions }), clickstream);
    expect(waits).toMatchObject({
      reasons: [
        'no batch comes of partitions 0, 2, as if each had an event that the trigger cannot read, or as if nobody read them; .local/logs/host.log may say which',
      ],
      remedies: [
        'end "npm start", start "npm run emulators", run "npm run checkpoints -- skip clickstream PARTITION" for each of the partitions 0, 2 in a second terminal, end the emulators, and start again',
      ],
    });
  });

  it('tells once that the app must be stopped, for all commands that need it', () => {
    const reset = { command: 'npm run checkpoints -- reset clickstream', stopApp: true };
    const failures = [{ ...failure('0', 'ingest.gap'), remedy: reset }];
    const partitions = [
      { ...partition('1'), stuckSince: since, remedy: stuckRemedy('clickstream', '1') },
      partition('2'),
    ];
    const rebuild = { needsRebuild: true, remedy: rebuildRemedy('clickstream.clicks') };
    expect(describeWaits(healthOf({ failures, partitions }, rebuild), clickstream).remedies).toEqual([
      stopped(`${reset.command}", then "npm run checkpoints -- skip clickstream 1`),
      'run "npm run warehouse -- rebuild clickstream.clicks"',
    ]);
  });

  it('says that nobody reads the hub if all of several partitions are silent', () => {
    const partitions = ['0', '1'].map((name) => ({ ...partition(name), stuckSince: since }));
    expect(describeWaits(healthOf({ partitions }), clickstream)).toMatchObject({
      reasons: [
        'no batch comes of any partition, as if nobody read the hub; .local/logs/host.log may say why',
      ],
      remedies: ['end "npm start", and start it again'],
    });
  });

  it('says that the hub was made again where health names the command for that', () => {
    const remedy = resetRemedy('clickstream');
    const partitions = ['0', '1'].map((name) => ({ ...partition(name), stuckSince: since, remedy }));
    expect(describeWaits(healthOf({ partitions }), clickstream)).toMatchObject({
      reasons: [
        'no batch comes of any partition, as if the trigger had read positions of the hub that was there before this one',
      ],
      remedies: [stopped(remedy.command)],
    });
  });

  it('names what cannot be read', () => {
    const problems = [
      { source: 'table', code: 'delta.hole' },
      { source: 'hub', code: 'hub.unavailable' },
      { source: 'deadLetters', code: 'unknown' },
    ] as const;
    const health = healthOf({ problems, status: 'failing' });
    expect(describeWaits(health, clickstream)).toMatchObject({
      reasons: [
        'its table cannot be read: delta.hole (docs/errors.md#deltahole)',
        'the broker does not answer: hub.unavailable (docs/errors.md#hubunavailable)',
        'the table dead_letters cannot be read: an error without a code, see .local/logs',
      ],
      isFailing: true,
    });
  });

  it('names the feature because of which a table is refused, and the statement that turns it off', () => {
    const refusal =
      'writing needs x, which is not implemented. Turn it off: ALTER TABLE <table> DROP FEATURE x.';
    const problems = [{ source: 'table', code: 'delta.unsupported', refusal }] as const;
    expect(describeWaits(healthOf({ problems, status: 'failing' }), clickstream).reasons).toEqual([
      `its table cannot be read: ${refusal.slice(0, -1)}`,
    ]);
  });

  it('tells a reason once: of the table, and not of its batches and numbers again', () => {
    const refusal =
      'reading needs x, which is not implemented. Turn it off: ALTER TABLE <table> DROP FEATURE x.';
    const problems = [{ source: 'table', code: 'delta.unsupported', refusal }] as const;
    const failures = [{ ...failure('1', 'delta.unsupported'), refusal }, failure('2', 'ingest.gap')];
    const waits = describeWaits(healthOf({ problems, failures }), clickstream);
    expect(waits.reasons).toEqual([
      `its table cannot be read: ${refusal.slice(0, -1)}`,
      'the batches of partition 1 fail since 12:03:11 UTC for that reason',
      'the batches of partition 2 fail since 12:03:11 UTC: ingest.gap (docs/errors.md#ingestgap)',
    ]);
    const error = new TributaryError('delta.unsupported', `clicks version 3: ${refusal}`, { refusal });
    expect(unlessTold(error, waits)).toBe('');
    expect(unlessTold(error, noWaits)).toBe(
      ` (delta.unsupported: clicks version 3: ${refusal.slice(0, -1)})`,
    );
    expect(unlessTold(new Error('Away.'), waits)).toBe(' (Away)');
  });

  it('names what keeps rows from its table of the warehouse, and not from those of other streams', () => {
    const broken = {
      needsRebuild: true,
      reason: 'the log was made again',
      remedy: rebuildRemedy('clickstream.clicks'),
    };
    expect(describeWaits(healthOf({}, broken), clickstream)).toMatchObject({
      reasons: ['clickstream.clicks needs a rebuild: the log was made again'],
      remedies: ['run "npm run warehouse -- rebuild clickstream.clicks"'],
    });
    expect(describeWaits(healthOf({}, { error: 'warehouse.refused' }), clickstream).reasons).toEqual([
      'the last load into clickstream.clicks failed with warehouse.refused (docs/errors.md#warehouserefused)',
    ]);
    expect(describeWaits(healthOf({}, { ...broken, table: 'assets.other' }), clickstream)).toEqual(noWaits);
  });

  it('tells the same trouble of lake and warehouse once', () => {
    const problems = [{ source: 'table', code: 'delta.hole' }] as const;
    const warehouse = { kind: 'duckdb', status: 'degraded', tables: [] } as const;
    const reasonsWith = (error: string) =>
      describeWaits({ ...healthOf({ problems }), warehouse: { ...warehouse, error } }, clickstream).reasons;
    expect(reasonsWith('delta.hole')).toHaveLength(1);
    expect(reasonsWith('storage.unavailable')).toHaveLength(2);
  });

  it('is not the trouble of another table of the warehouse', () => {
    const health = healthOf({});
    const warehouse = { ...health.warehouse, status: 'degraded', error: 'delta.unsupported' } as const;
    expect(describeWaits({ ...health, warehouse }, clickstream)).toEqual(noWaits);
  });

  it('is what the app says of itself if it knows nothing of its streams', () => {
    const health = { ...healthOf({}), streams: [], error: 'settings.invalid' };
    expect(describeWaits(health, clickstream).reasons).toEqual([
      'the app says settings.invalid (docs/errors.md#settingsinvalid)',
    ]);
  });

  it('is unknown if the API is gone or answers something else', async () => {
    const server = createServer((_request, response) => response.end('hello'));
    onTestFinished(() => void server.close());
    const port = await listenOnLoopback(server);
    const url = `http://127.0.0.1:${port}`;
    const unknown = { ...noWaits, reasons: [expect.stringContaining('/api/health, which would know why')] };
    expect(await askWaits(url, clickstream)).toEqual(unknown);
    await new Promise((done) => server.close(done));
    expect(await askWaits(url, clickstream)).toEqual(unknown);
  });
});

it('clicks that are not counted have the reason and the remedy of their table', () => {
  const refusal = new Error('GET /api/clicks answered 500.');
  const because = 'the clicks are not counted, because GET /api/clicks answered 500';
  const hole = new TributaryError('delta.hole', 'clicks has a hole.', { table: 'clicks' });
  expect(describeUncounted(clickstream, refusal, hole)).toEqual({
    reasons: [`${because}: delta.hole (docs/errors.md#deltahole)`],
    remedies: [stopped('npm run table -- repair clicks')],
    isFailing: true,
  });
  const away = new TributaryError('storage.unavailable', 'Storage does not answer.');
  expect(describeUncounted(clickstream, refusal, away)).toMatchObject({ remedies: [], isFailing: false });
  expect(describeUncounted(clickstream, refusal, undefined)).toEqual({
    ...noWaits,
    reasons: [`${because}: see .local/logs`],
  });
});

it('a sentence tells why and what to do', () => {
  expect(withWaits('clicks stands still', noWaits)).toBe('clicks stands still; see .local/logs.');
  const waits = { reasons: ['one', 'another'], remedies: ['run "a"', 'run "b"'], isFailing: true };
  expect(withWaits('clicks stands still', waits)).toBe(
    'clicks stands still: one; another. To mend it: run "a"; then run "b".',
  );
});
