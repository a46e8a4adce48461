import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { settingsAt } from '../../local/processes';
import type { TableLocation } from '../../src/lib/delta/log';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { appendFiles, readRows, snapshotOf } from '../lib/maintenance/table';

let azurite: Azurite;
let clicks: TableLocation;
const folder = mkdtempSync(join(tmpdir(), 'table-'));

beforeAll(async () => {
  azurite = await startAzurite({});
  const store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'lake');
  clicks = { store, table: 'clicks' };
  await appendFiles(clicks, 5);
  await appendFiles({ store, table: 'dead_letters' }, 3);
});
afterAll(async () => {
  await azurite.close();
  rmSync(folder, { recursive: true });
});

/** Runs a command of the built project in a folder without settings of its own. */
function run(name: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const settings = settingsAt({
    storageConnection: azurite.connectionString,
    brokerPort: 1,
    coincapUrl: 'http://127.0.0.1:1',
  });
  const env = { ...process.env, ...settings };
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

  it('shows what the table is made of', async () => {
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
        'dead_letters version 3: 3 files, 20 rows, 1 finding.\n',
    });
  });

  it('says which tables there are, and which words it takes', async () => {
    expect((await run('table', 'check', 'coincap')).err).toContain(
      'coincap is no table: expected clicks, assets or dead_letters.\n',
    );
    expect((await run('table', 'look', 'clicks')).err).toContain('Say history, detail, files or check.\n');
    expect(await run('table', 'check', 'assets')).toMatchObject({
      code: 1,
      err: `${clicks.store.name} has no table assets.\n`,
    });
  });
});

describe('npm run maintain', () => {
  it('does each duty by hand, and says in a dry run what it would do', async () => {
    const before = await readRows(clicks);
    expect(await run('maintain', 'checkpoint', 'clicks')).toMatchObject({
      code: 0,
      out: 'clicks: checkpoint written: version 5, files 5\n',
    });
    const planned = await run('maintain', 'compact', 'clicks', '--dry-run');
    expect(planned.out).toMatch(
      /^clicks: compact would be done: version 5, bins 1, conflicts 0, files 5, bytes \d+\n$/,
    );
    expect((await snapshotOf(clicks)).version).toBe(5);
    const compacted = await run('maintain', 'compact', 'clicks');
    expect(compacted.out).toMatch(
      /^clicks: compact done: version 6, bins 1, conflicts 0, files 5, bytes \d+\n$/,
    );
    expect((await run('maintain', 'clean', 'clicks')).out).toBe(
      'clicks: clean done: oldest none, deleted 0\n',
    );
    expect((await run('maintain', 'vacuum', 'clicks')).out).toBe('clicks: vacuum done: deleted 0, bytes 0\n');
    expect(await readRows(clicks)).toEqual(before);
    expect(await run('maintain', 'compact', 'assets')).toMatchObject({ code: 1 });
    expect((await run('maintain', 'checkpoint', 'clicks', '--dry-run')).err).toContain(
      'a checkpoint has none',
    );
  });
});
