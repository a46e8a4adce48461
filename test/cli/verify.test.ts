import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { settingsAt } from '../../local/processes';
import { cachedStatePath } from '../../src/lib/counts/cachedState';
import { Counts } from '../../src/lib/counts/counts';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { countedClicks as counted } from '../../src/lib/streams/clickstream';
import { StreamTables } from '../lib/verify/streamTables';

/*
 * `npm run verify` and `npm run trace` as their users run them, on the storage emulator.
 */

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
  const { connectionString } = azurite;
  const good = new StreamTables(await openAzureBlobStore({ connectionString }, 'good'));
  await good.addLetters([{ partition: 0, sequence: 2, body: '{"productid"' }]);
  await good.commit(
    [
      [0, 0],
      [0, 1],
      [0, 3],
    ],
    [[0, 3]],
  );
  const bad = new StreamTables(await openAzureBlobStore({ connectionString }, 'bad'));
  await bad.commit(
    [
      [1, 0],
      [1, 0],
      [1, 4],
    ],
    [[1, 4]],
  );
  const store = await openAzureBlobStore({ connectionString }, 'miscounted');
  await new StreamTables(store).commit(
    [
      [0, 0],
      [0, 1],
    ],
    [[0, 1]],
  );
  await new Counts({ at: { store, table: 'clicks' }, counted }).save();
  const path = cachedStatePath('clicks');
  const state = Buffer.from((await store.get(path))?.bytes ?? []).toString('utf8');
  await store.put(path, Buffer.from(state.replace('"counts":[1,1]', '"counts":[1,5]')));
});
afterAll(() => azurite.close());

function run(
  command: string,
  container: string,
  ...args: string[]
): Promise<{ code: number; output: string }> {
  const settings = settingsAt({
    storageConnection: azurite.connectionString,
    brokerPort: 9,
    coincapUrl: 'http://127.0.0.1:9',
  });
  const child = spawn(process.execPath, [resolve(`dist/src/cli/${command}.js`), ...args], {
    env: { PATH: process.env.PATH, ...settings, LAKE_CONTAINER: container },
  });
  let output = '';
  const read = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  return new Promise((done) => child.once('close', (code) => done({ code: code ?? -1, output })));
}

describe('npm run verify', () => {
  it('ends with 0 when each event is there once', async () => {
    const { code, output } = await run('verify', 'good', 'clickstream');
    expect(output).toBe(
      'partition 0 of the hub made 2026-01-01T12:00:00.000Z: 0 to 3, 3 rows, 1 dead letters: complete\n' +
        'clicks version 1, 1 files: 3 rows, 1 dead letters, 0 events that never came.\nEach event is there once.\n' +
        'The counts of version 1 are right: 3, with no cached state.\n',
    );
    expect(code).toBe(0);
  });

  it('ends with 1 and says what is missing and what is there twice', async () => {
    const { code, output } = await run('verify', 'bad', 'clickstream');
    expect(output).toContain('3 events missing, 1 duplicate rows');
    expect(output).toContain('  missing     1 to 3\n  duplicate   0 element 0\n');
    expect(output).toContain('1 of 1 partitions are not right.');
    expect(code).toBe(1);
  });

  it('ends with 1 when the cached counts are not those of the files', async () => {
    const { code, output } = await run('verify', 'miscounted', 'clickstream');
    expect(output).toContain('Each event is there once.');
    expect(output).toMatch(
      /The counts of version \d are wrong for 1 keys, with the cached state of version \d:\n {2}2: 5 counted, 1 in the files\n$/,
    );
    expect(code).toBe(1);
  });

  it('ends with 1 where there is no table, or no such stream', async () => {
    expect(await run('verify', 'good', 'coincap')).toMatchObject({ code: 1 });
    const { code, output } = await run('verify', 'good', 'click');
    expect([code, output.split('\n')[0]]).toEqual([
      1,
      'click is no stream: expected clickstream or coincap.',
    ]);
  });
});

describe('npm run trace', () => {
  it('tells the story of a row', async () => {
    const { code, output } = await run('trace', 'good', 'clickstream', '0', '1');
    expect(output).toMatch(
      /^event 1 of partition 0, hub made 2026-01-01T12:00:00\.000Z\n {2}enqueued {3}2026-01-01T12:00:00\.000Z\n {2}committed {2}version 1 at 20\S+Z\n {2}row in part-\S+\n {4}productid +2\n/,
    );
    expect(code).toBe(0);
  });

  it('tells the story of a dead letter, and of what is missing', async () => {
    const letter = await run('trace', 'good', 'clickstream', '0', '2');
    expect(letter.output).toMatch(/letter in part-\S+\n(?:.*\n)* {4}body +\{"productid"\n/);
    expect(letter.code).toBe(0);
    const missing = await run('trace', 'bad', 'clickstream', '1', '2');
    expect(missing.output).toContain('MISSING');
    expect(missing.code).toBe(1);
  });

  it('says what it takes', async () => {
    const { code, output } = await run('trace', 'good', 'clickstream', '0', 'x');
    expect(output).toContain('x is no sequence number: expected a whole number from 0 on.\nnpm run trace --');
    expect(code).toBe(1);
  });
});
