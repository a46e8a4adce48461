import { beforeEach, describe, expect, it } from 'vitest';
import type { Add } from '../../../src/lib/delta/actions';
import { append, createTable, putCommit } from '../../../src/lib/delta/commit';
import { commitPath, readCommit, type TableLocation } from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { field } from '../../../src/lib/delta/schema';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { deletionVectorsProtocol } from '../../kit/deletionVector';
import { commitFarAbove } from '../maintenance/backInTime';

const fields = [field('id', 'long', false), field('name', 'string')];

const add = (path: string): Add => ({
  path,
  partitionValues: {},
  size: 1,
  modificationTime: 1,
  dataChange: true,
});

let at: TableLocation;
beforeEach(() => {
  at = { store: new MemoryStore(), table: 'events' };
});

async function openCreated() {
  await createTable(at, fields);
  const state = await openState(at);
  if (!state) throw new Error('no table');
  return state;
}

describe('a new table', () => {
  it('has the protocol that every reader knows, our properties and the schema', async () => {
    expect([await openState(at), await openSnapshot(at)]).toEqual([undefined, undefined]);
    const state = await openCreated();
    expect(state).toMatchObject({
      version: 0,
      protocol: { minReaderVersion: 1, minWriterVersion: 2 },
      fields,
    });
    expect(state.metaData).toMatchObject({
      partitionColumns: [],
      configuration: {
        'delta.appendOnly': 'true',
        'delta.logRetentionDuration': 'interval 3 days',
        'delta.deletedFileRetentionDuration': 'interval 2 days',
      },
    });
    expect(JSON.parse(state.metaData.schemaString)).toEqual({ type: 'struct', fields });
    const { createdTime = 0 } = state.metaData;
    expect(Math.abs(Date.now() - createdTime)).toBeLessThan(60_000);
    const { commitInfo } = (await readCommit(at, 0)) ?? {};
    expect(commitInfo).toEqual({
      timestamp: expect.any(Number),
      operation: 'CREATE TABLE',
      operationParameters: {},
      isBlindAppend: true,
      isolationLevel: 'Serializable',
      engineInfo: 'Tributary',
      txnId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(Math.abs(Date.now() - (commitInfo?.timestamp ?? 0))).toBeLessThan(60_000);
  });

  it('is made once, however many try', async () => {
    const outcomes = await Promise.all([1, 2, 3].map(() => createTable(at, fields)));
    expect(outcomes.sort()).toEqual(['committed', 'conflict', 'conflict']);
  });
});

describe('an append', () => {
  it('is one log entry with the files and the txns', async () => {
    const state = await openCreated();
    const { outcome, state: after } = await append({
      state,
      fields,
      adds: [add('a.parquet')],
      txns: [{ appId: 'p0', version: 7 }],
      operationMetrics: { numOutputRows: '3' },
    });
    expect(outcome).toBe('committed');
    expect(after.version).toBe(1);
    const text = Buffer.from((await at.store.get(commitPath('events', 1)))?.bytes ?? '').toString();
    const actions = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(actions[0].commitInfo).toMatchObject({
      operation: 'WRITE',
      operationParameters: { mode: 'Append' },
      isBlindAppend: true,
      readVersion: 0,
      operationMetrics: { numOutputRows: '3' },
    });
    expect(actions.slice(1)).toEqual([{ txn: { appId: 'p0', version: 7 } }, { add: add('a.parquet') }]);
    const snapshot = await openSnapshot(at);
    expect([...(snapshot?.files.keys() ?? [])]).toEqual(['a.parquet']);
    expect(snapshot?.txns.get('p0')?.version).toBe(7);
  });

  it('goes to the next version when another writer was faster', async () => {
    const stale = await openCreated();
    await append({ state: stale, fields, adds: [add('first.parquet')], txns: [{ appId: 'p0', version: 1 }] });
    const { outcome, state } = await append({
      state: stale,
      fields,
      adds: [add('second.parquet')],
      txns: [{ appId: 'p1', version: 9 }],
    });
    expect([outcome, state.version]).toEqual(['committed', 2]);
    expect([...state.txns.values()].map(({ version }) => version)).toEqual([1, 9]);
    expect((await openSnapshot(at))?.files.size).toBe(2);
  });

  it('writes nothing when a rival moved one of its txns', async () => {
    const stale = await openCreated();
    await append({ state: stale, fields, adds: [], txns: [{ appId: 'p0', version: 10 }] });
    const { outcome, state } = await append({
      state: stale,
      fields,
      adds: [add('late.parquet')],
      txns: [{ appId: 'p0', version: 12 }],
    });
    expect([outcome, state.version, state.txns.get('p0')?.version]).toEqual(['moved', 1, 10]);
    expect((await openSnapshot(at))?.files.size).toBe(0);
  });

  it('loses nothing among eight writers', async () => {
    const start = await openCreated();
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        let state = start;
        for (let n = 0; n < 20; n++) {
          const txns = [{ appId: `w${writer}`, version: n }];
          ({ state } = await append({ state, fields, adds: [add(`${writer}-${n}.parquet`)], txns }));
        }
      }),
    );
    const snapshot = await openSnapshot(at);
    expect(snapshot?.version).toBe(160);
    expect(snapshot?.files.size).toBe(160);
  });

  it('counts as written when only the reply was lost', async () => {
    class LosesReplies extends MemoryStore {
      override async putIfAbsent(path: string, bytes: Uint8Array) {
        await super.putIfAbsent(path, bytes);
        return super.putIfAbsent(path, bytes);
      }
    }
    at = { store: new LosesReplies(), table: 'events' };
    const state = await openCreated();
    const first = await append({ state, fields, adds: [add('a.parquet')], txns: [] });
    expect([first.outcome, first.state.version]).toEqual(['committed', 1]);
    expect((await openSnapshot(at))?.version).toBe(1);
  });

  it('is refused where a rival was made on another log, or if the log is no longer the one it was planned on', async () => {
    const state = await openCreated();
    await commitFarAbove(state, 1);
    const appended = () => append({ state, fields, adds: [add('a.parquet')], txns: [] });
    await expect(appended()).rejects.toMatchObject({ code: 'delta.hole' });
    // The table was made again, and somebody wrote to it.
    await at.store.delete(commitPath('events', 0));
    await createTable(at, fields);
    await expect(appended()).rejects.toMatchObject({
      code: 'delta.contention',
      message: 'memory/events version 0 is not in the log any more: read it again.',
      cause: { code: 'delta.hole' },
    });
    expect(await at.store.get(commitPath('events', 2))).toBeUndefined();
  });

  it('fails for what a rival asks of writers, and not as a race, also if the log is another one by then', async () => {
    const state = await openCreated();
    await putCommit(at, 1, [{ protocol: deletionVectorsProtocol }], {
      operation: 'UPGRADE PROTOCOL',
      isBlindAppend: false,
    });
    await at.store.delete(commitPath('events', 0));
    await expect(append({ state, fields, adds: [], txns: [] })).rejects.toMatchObject({
      code: 'delta.unsupported',
    });
  });

  it('refuses rows that the table cannot take, also when a rival changed the schema', async () => {
    const state = await openCreated();
    const wrong = [field('id', 'string', false)];
    await expect(append({ state, fields: wrong, adds: [], txns: [] })).rejects.toMatchObject({
      code: 'delta.schema',
      message: expect.stringContaining(
        "memory/events version 0: rows cannot be appended: the table's column id is long, wanted is string. Set the column back to what the table has, or give it a new name",
      ),
    });
    const narrower = JSON.stringify({ type: 'struct', fields: [field('id', 'long', false)] });
    await putCommit(at, 1, [{ metaData: { ...state.metaData, schemaString: narrower } }], {
      operation: 'CHANGE COLUMN',
      isBlindAppend: false,
    });
    await expect(append({ state, fields, adds: [], txns: [] })).rejects.toMatchObject({
      message: expect.stringContaining('the table has no column name'),
    });
  });

  it('puts no lone surrogate into the log', async () => {
    const state = await openCreated();
    await append({ state, fields, adds: [{ ...add('a.parquet'), stats: '\ud800' }], txns: [] });
    const text = Buffer.from((await at.store.get(commitPath('events', 1)))?.bytes ?? '').toString();
    expect(text).not.toMatch(/\\ud800/i);
    expect(text).toContain('\ufffd');
  });
});

describe('a table that needs what we do not have', () => {
  const refused: readonly (readonly [string, object, object])[] = [
    [
      'the table feature deletionVectors',
      {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ['deletionVectors'],
        writerFeatures: ['deletionVectors'],
      },
      {},
    ],
    ['writer version 8', { minReaderVersion: 1, minWriterVersion: 8 }, {}],
    [
      'the table feature rowTracking',
      { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['appendOnly', 'rowTracking'] },
      {},
    ],
    [
      'the table property delta.enableChangeDataFeed=true',
      {},
      { configuration: { 'delta.enableChangeDataFeed': 'true' } },
    ],
    ['partition columns', {}, { partitionColumns: ['day'] }],
    [
      'the check constraint delta.constraints.positive',
      {},
      { configuration: { 'delta.constraints.positive': 'id > 0' } },
    ],
    [
      'the column property delta.invariants',
      {},
      {
        schemaString: JSON.stringify({
          fields: [
            { ...field('id', 'long', false), metadata: { 'delta.invariants': '{}' } },
            field('name', 'string'),
          ],
        }),
      },
    ],
  ];

  it.each(refused)('is refused by name: %s', async (what, protocol, metaData) => {
    const created = await openCreated();
    const state = {
      ...created,
      protocol: { ...created.protocol, ...protocol },
      metaData: { ...created.metaData, ...metaData },
    };
    await expect(append({ state, fields, adds: [], txns: [] })).rejects.toMatchObject({
      code: 'delta.unsupported',
      message: expect.stringContaining(
        `memory/events version 0: ${what.startsWith('the table feature deletion') ? 'reading' : 'writing'} needs ${what}, which is not implemented.`,
      ),
    });
  });
});

describe('a snapshot', () => {
  it('can be opened at any version that the log holds', async () => {
    let state = await openCreated();
    for (let n = 0; n < 5; n++)
      ({ state } = await append({ state, fields, adds: [add(`${n}.parquet`)], txns: [] }));
    expect((await openSnapshot(at, { version: 3 }))?.files.size).toBe(3);
    await expect(openSnapshot(at, { version: 6 })).rejects.toMatchObject({
      code: 'delta.invalid',
      message: expect.stringContaining('memory/events version 6 is not in the log'),
    });
  });

  it('is never made of a log with a hole, a damaged commit or no metaData', async () => {
    let state = await openCreated();
    for (let n = 0; n < 3; n++)
      ({ state } = await append({ state, fields, adds: [add(`${n}.parquet`)], txns: [] }));
    const third = await at.store.get(commitPath('events', 2));
    await at.store.delete(commitPath('events', 2));
    await expect(openSnapshot(at)).rejects.toThrow('memory/events version 2 is missing from the log');
    await at.store.put(
      commitPath('events', 2),
      Buffer.from(`${Buffer.from(third?.bytes ?? '').toString()}{"add":`),
    );
    await expect(openSnapshot(at)).rejects.toThrow(/memory\/events version 2, line \d+: not JSON/);
    await at.store.put(commitPath('events', 2), Buffer.from('{"add":{"path":"x","size":"big"}}'));
    await expect(openSnapshot(at)).rejects.toThrow('version 2, line 1: add.size is not a number of bytes');
    await at.store.delete(commitPath('events', 0));
    await expect(openSnapshot(at)).rejects.toThrow('memory/events version 0 is missing from the log');
  });
});
