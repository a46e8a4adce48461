import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { settingsAt } from '../../local/processes';
import { orList } from '../../src/cli/commandLine/command';
import type { Txn } from '../../src/lib/delta/actions';
import { append } from '../../src/lib/delta/commit';
import type { TableLocation } from '../../src/lib/delta/log';
import { lakeTables } from '../../src/lib/lake/tables';
import { openAzureBlobStore, openContainer } from '../../src/lib/storage/azureBlobStore';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import { goBackTo, strand } from '../lib/maintenance/backInTime';
import { appendFiles, fields, readRows, snapshotOf } from '../lib/maintenance/table';

let azurite: Azurite;
let clicks: TableLocation;
const folder = mkdtempSync(join(tmpdir(), 'table-'));

beforeAll(async () => {
  azurite = await startAzurite({});
  await (await openContainer({ connectionString: azurite.connectionString }, 'empty')).create();
  const store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'lake');
  clicks = { store, table: 'clicks' };
  await appendFiles(clicks, 5);
  await appendFiles({ store, table: 'dead_letters' }, 3);
});
afterAll(async () => {
  await azurite.close();
  rmSync(folder, { recursive: true });
});

/** Every command says first which settings it uses. */
const settingsLine = 'Settings: the environment.\n';

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const run = (name: string, ...args: string[]) => runWith({}, name, ...args);

/** Runs a command of the built project in a folder without settings of its own, but for some. */
function runWith(own: Record<string, string>, name: string, ...args: string[]): Promise<Ended> {
  const settings = settingsAt({
    storageConnection: azurite.connectionString,
    brokerPort: 1,
  });
  const env = { ...process.env, ...settings, ...own };
  return new Promise((done) =>
    execFile(
      process.execPath,
      [resolve(`dist/src/cli/${name}.js`), ...args],
      { cwd: folder, env },
      (error, out, err) => done({ code: error ? Number(error.code) : 0, out, err }),
    ),
  );
}

describe('npm run table', () => {
  it('shows the history, newest first', async () => {
    const { code, out } = await run('table', 'history', 'clicks', '--limit', '2');
    expect([code, out.trim().split('\n')]).toEqual([
      0,
      [
        expect.stringMatching(/^5 {2}\d{4}-\S+Z {2}WRITE {2}\+1 -0 files {2}by Tributary$/),
        expect.stringMatching(/^4 {2}\d{4}-\S+Z {2}WRITE {2}\+1 -0 files {2}by Tributary$/),
      ],
    ]);
  });

  it('shows versions, schema and files of a table', async () => {
    const { code, out } = await run('table', 'detail', 'clicks');
    expect(code).toBe(0);
    expect(out).toMatch(/^version {5}5, \d{4}-/m);
    expect(out).toMatch(/^files {7}5 with [\d,]+ bytes, 50 rows by their statistics$/m);
    expect(out).toContain('columns     id long not null, name string\n');
    expect(out).toContain('property    delta.appendOnly = true\n');
    expect(out).toContain('txn         p0 = 49\n');
  });

  it('lists the files', async () => {
    const { code, out } = await run('table', 'files', 'clicks');
    expect(code).toBe(0);
    expect(out.trim().split('\n')).toHaveLength(5);
    expect(out).toMatch(/^\S+Z {2} +\d+ bytes {2} +10 rows {2}part-00000-\S+\.parquet$/m);
  });

  it('finds nothing wrong with a sound table, and each fault of another', async () => {
    expect(await run('table', 'check', 'clicks')).toMatchObject({
      code: 0,
      out: 'clicks version 5: 5 files, 50 rows, nothing is wrong.\n',
    });
    const letters = { ...clicks, table: 'dead_letters' };
    const [first] = (await snapshotOf(letters)).files.values();
    await letters.store.delete(`dead_letters/${first?.path}`);
    expect(await run('table', 'check', 'dead_letters')).toMatchObject({
      code: 1,
      out:
        `${letters.store.name}/dead_letters version 3, file ${first?.path} is gone.\n` +
        'dead_letters version 3: 3 files, 20 rows, 1 finding.\n' +
        'To mend it: see parquet.invalid in docs/errors.md.\n',
    });
  });

  it('says which tables there are, and which words it takes', async () => {
    const tables = lakeTables(await loadStreams()).map(({ name }) => name);
    expect(await run('table', 'check', 'clickstream')).toMatchObject({
      code: 2,
      err: expect.stringContaining(`clickstream is no table: expected ${orList(tables)}.\n`),
    });
    expect(await run('table', 'look', 'clicks')).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /^look is no subcommand of table: expected history, detail, files, check or repair\.\n/,
      ),
    });
    expect(await runWith({ LAKE_CONTAINER: 'empty' }, 'table', 'check', 'clicks')).toMatchObject({
      code: 1,
      err: `${settingsLine}devstoreaccount1/empty (LakeStorage and LAKE_CONTAINER) has no table clicks: nothing was ingested yet.\n`,
    });
  });
});

describe('npm run table -- repair', () => {
  const partition = (id: number) =>
    `contoso.servicebus.windows.net/clickstream@2026-11-01t00:00:00.000z/${id}`;
  let store: ObjectStore;
  const repair = (table: string, ...args: string[]) =>
    runWith({ LAKE_CONTAINER: 'repair', WAREHOUSE: 'duckdb:rows.duckdb' }, 'table', 'repair', table, ...args);

  beforeAll(async () => {
    store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'repair');
  });

  /** Log 0 to 4, nothing at 5, and 6 to 7. */
  async function leaveHole(table: string, txnsAt4: readonly Txn[], txnsAt7: readonly Txn[], lake = store) {
    const at = { store: lake, table };
    let state = await appendFiles(at, 3);
    ({ state } = await append({ state, fields, adds: [], txns: txnsAt4 }));
    state = await appendFiles(at, 2, { first: 30 });
    await append({ state, fields, adds: [], txns: txnsAt7 });
    await strand(at, await goBackTo(at, 4), 6, 7);
    return at;
  }

  it('says what it moves, which rows are lost and what to do next, and repairs a log that check refuses', async () => {
    const at = await leaveHole(
      'clicks',
      [{ appId: partition(0), version: 1040 }],
      [
        { appId: partition(0), version: 1100 },
        { appId: partition(1), version: 7 },
        { appId: 'replay/clickstream', version: 1 },
      ],
    );
    const check = () => runWith({ LAKE_CONTAINER: 'repair' }, 'table', 'check', 'clicks');
    expect(await check()).toMatchObject({
      code: 1,
      out: '',
      err:
        `${settingsLine}${store.name}/clicks version 5 is missing from the log, and versions 6 to 7 are above it. Storage went back in ` +
        'time during a write. Run "npm run table -- repair clicks", which moves the log entries that no longer fit out of the log. (delta.hole, see docs/errors.md)\n',
    });
    const cost = (now: string) =>
      'Rows in those versions, no longer part of the table: 10.\n' +
      `Txn p0: ${now} 29 (was 49).\n` +
      'Partition 0 of contoso.servicebus.windows.net/clickstream, made 2026-11-01T00:00:00.000Z: ' +
      `last sequence number ${now} 1040 (was 1100).\n` +
      'Partition 1 of contoso.servicebus.windows.net/clickstream, made 2026-11-01T00:00:00.000Z: ' +
      `last sequence number ${now} nothing (was 7).\n` +
      `Txn replay/clickstream: ${now} nothing (was 1).\n`;
    expect(await repair('clicks', '--dry-run')).toEqual({
      code: 0,
      err: settingsLine,
      out:
        'The log of clicks ends with version 4.\n' +
        `Would be moved to ${store.name}/clicks/_stray/: versions 6 to 7, 2 log files.\n` +
        cost('would be') +
        'Nothing was changed. Stop the app, and run it without --dry-run.\n',
    });
    expect((await check()).code).toBe(1);
    expect(await repair('clicks')).toEqual({
      code: 0,
      err: settingsLine,
      out:
        'The log of clicks ends with version 4.\n' +
        `Moved to ${store.name}/clicks/_stray/: versions 6 to 7, 2 log files.\n` +
        cost('now') +
        'Stop the app, run "npm run checkpoints -- reset clickstream", and start it again. It then reads all events again that the hub still has.\n' +
        'Run "npm run dead-letters -- replay clickstream" again.\n' +
        '"npm run warehouse -- status" says whether the warehouse needs a rebuild.\n',
    });
    expect(await check()).toMatchObject({
      code: 0,
      out: 'clicks version 4: 3 files, 30 rows, nothing is wrong.\n',
    });
    expect(await repair('clicks')).toMatchObject({
      code: 0,
      out: 'The log of clicks is whole and ends with version 4: there is nothing to do.\n',
    });
    expect(await readRows(at)).toHaveLength(30);
  });

  it('names no next step if none is needed', async () => {
    const unloaded = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'unloaded');
    await leaveHole('clicks', [{ appId: 'p0', version: 999 }], [], unloaded);
    const env = { LAKE_CONTAINER: 'unloaded', WAREHOUSE: 'none' };
    expect((await runWith(env, 'table', 'repair', 'clicks')).out).toMatch(/part of the table: 10\.\n$/);
    await leaveHole('dead_letters', [{ appId: 'p0', version: 999 }], []);
    expect((await repair('dead_letters')).out.split('\n').slice(1)).toEqual([
      `Moved to ${store.name}/dead_letters/_stray/: versions 6 to 7, 2 log files.`,
      'Rows in those versions, no longer part of the table: 10.',
      '',
    ]);
  });

  it('ends with 1 without a table, and refuses a dry run of other subcommands', async () => {
    expect(await runWith({ LAKE_CONTAINER: 'empty' }, 'table', 'repair', 'clicks')).toMatchObject({
      code: 1,
      err: `${settingsLine}devstoreaccount1/empty (LakeStorage and LAKE_CONTAINER) has no table clicks: nothing was ingested yet.\n`,
    });
    const wrong = await run('table', 'check', 'clicks', '--dry-run');
    expect([wrong.code, wrong.err.split('\n')[0]]).toEqual([
      2,
      '--dry-run is no option of table check: expected --settings or --help.',
    ]);
  });
});

describe('npm run maintain, without an app', () => {
  const maintain = (...args: string[]) => run('maintain', ...args, '--here');

  it('takes a step of one table, and says in a dry run what it would do', async () => {
    const before = await readRows(clicks);
    expect(await maintain('checkpoint', 'clicks')).toMatchObject({
      code: 0,
      out: 'clicks: checkpoint written\n',
    });
    const planned = await run('maintain', 'compact', 'clicks', '--dry-run');
    expect(planned.out).toMatch(/^clicks: compact would rewrite 5 files, [\d,]+ bytes, in 1 bin\n$/);
    expect((await snapshotOf(clicks)).version).toBe(5);
    expect((await maintain('compact', 'clicks')).out).toMatch(
      /^clicks: compact done: 1 bin; version 5 with 5 files, [\d,]+ bytes -> version 6 with 1 file, [\d,]+ bytes\n$/,
    );
    expect(await readRows(clicks)).toEqual(before);
  });

  it('takes all steps of all tables, as the app does', async () => {
    const { code, out } = await maintain();
    const others = lakeTables(await loadStreams()).length - 2;
    expect(out.match(/^\w+: there is no such table$/gm) ?? []).toHaveLength(others);
    expect(out).toMatch(/^clicks: checkpoint written, clean done, vacuum done, compact done: 0 bins; /m);
    expect(out).toMatch(/^dead_letters: .*compact done: 0 bins, 1 bin left for the next pass; version 3 /m);
    expect(out).toMatch(/^counts: (saved|current)$/m);
    // An earlier test has deleted a file.
    expect(out).toMatch(
      /^dead_letters: compact failed, parquet\.invalid: .* is gone\. "npm run table -- check dead_letters" names every/m,
    );
    expect(code).toBe(1);
  });

  it('ends with 1 if the table that was asked for does not exist, or a step fails', async () => {
    const missing = await runWith({ LAKE_CONTAINER: 'empty' }, 'maintain', 'compact', 'clicks', '--here');
    expect(missing).toMatchObject({ code: 1, out: 'clicks: there is no such table\n' });
    const planned = await runWith({ LAKE_CONTAINER: 'empty' }, 'maintain', 'compact', 'clicks', '--dry-run');
    expect(planned.code).toBe(1);
    const names = lakeTables(await loadStreams()).map(({ name }) => name);
    expect((await run('maintain', 'compact', 'nothing')).err).toContain(
      `nothing is no table: expected ${orList(names)}.`,
    );
  });
});
