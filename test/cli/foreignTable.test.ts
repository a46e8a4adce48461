import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { settingsAt } from '../../local/processes';
import type { Action, Add } from '../../src/lib/delta/actions';
import { putCommit } from '../../src/lib/delta/commit';
import { commitPath, type TableLocation } from '../../src/lib/delta/log';
import { field } from '../../src/lib/delta/schema';
import { checkpoint } from '../../src/lib/maintenance/checkpoint';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { appendFiles, snapshotOf } from '../lib/maintenance/table';

/*
 * `npm run table` on a table that other engines have worked on. Its checkpoint holds statistics only as structs, and one of its files has
 * none. It has columns of types that are not written, one of which is not read either. Each test goes on with the table of the one before.
 */

let azurite: Azurite;
let at: TableLocation;
const folder = mkdtempSync(join(tmpdir(), 'foreign-'));

beforeAll(async () => {
  azurite = await startAzurite({});
  const store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'lake');
  at = { store, table: 'clicks' };
  await appendFiles(at, 2, {
    configuration: {
      'delta.checkpoint.writeStatsAsStruct': 'true',
      'delta.checkpoint.writeStatsAsJson': 'false',
    },
  });
  await checkpoint({ at });
  for (const version of [0, 1]) await store.delete(commitPath('clicks', version));
  const { metaData, fields } = await snapshotOf(at);
  const foreign = [field('price', 'decimal(9,2)'), { ...field('doc', 'string'), type: 'variant' }];
  const schemaString = JSON.stringify({ type: 'struct', fields: [...fields, ...foreign] });
  await commit({ metaData: { ...metaData, schemaString } });
  await commit({ add: await writeForeign() });
});
afterAll(async () => {
  await azurite.close();
  rmSync(folder, { recursive: true });
});

const commit = async (action: Action) =>
  putCommit(at, (await snapshotOf(at)).version + 1, [action], { operation: 'WRITE', isBlindAppend: false });

/** Stores a file with values in all columns. */
async function writeForeign(): Promise<Add> {
  const optional = { repetition_type: 'OPTIONAL' } as const;
  const bytes = Buffer.from(
    parquetWriteBuffer({
      columnData: [
        { name: 'id', data: [100n] },
        { name: 'price', data: [1.25] },
        { name: 'doc', data: ['{}'] },
      ],
      schema: [
        { name: 'root', num_children: 3 },
        { name: 'id', type: 'INT64', repetition_type: 'REQUIRED' },
        { name: 'price', type: 'INT32', converted_type: 'DECIMAL', scale: 2, precision: 9, ...optional },
        { name: 'doc', type: 'BYTE_ARRAY', ...optional },
      ],
    }),
  );
  await at.store.put('clicks/theirs.parquet', bytes);
  const { length: size } = bytes;
  return { path: 'theirs.parquet', partitionValues: {}, size, modificationTime: 1, dataChange: true };
}

function table(subcommand: string): Promise<{ code: number; out: string; err: string }> {
  const settings = settingsAt({ storageConnection: azurite.connectionString, brokerPort: 1 });
  return new Promise((done) =>
    execFile(
      process.execPath,
      [resolve('dist/src/cli/table.js'), subcommand, 'clicks'],
      { cwd: folder, env: { ...process.env, ...settings } },
      (error, out, err) => done({ code: error ? Number(error.code) : 0, out, err }),
    ),
  );
}

it('its files are listed with the rows that the statistics tell', async () => {
  const { code, out } = await table('files');
  expect([
    code,
    out
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/).slice(2).join(' ')),
  ]).toEqual([
    0,
    [
      expect.stringMatching(/^10 rows part-00000-/),
      expect.stringMatching(/^10 rows part-00000-/),
      '? rows theirs.parquet',
    ],
  ]);
});

it('a check reads all columns but the one of an unknown type, and finds nothing wrong', async () => {
  expect(await table('check')).toMatchObject({
    code: 0,
    out: 'clicks version 4: 3 files, 21 rows, nothing is wrong.\n',
  });
});

it('a check finds a bit that changed in a page, by its checksum', async () => {
  const [first] = (await snapshotOf(at)).files.values();
  const path = `clicks/${first?.path}`;
  const sound = (await at.store.get(path))?.bytes ?? new Uint8Array();
  const damaged = Buffer.from(sound);
  // The footer's length is before the last four bytes; before the footer is the end of the last page.
  const last = damaged.length - 8 - damaged.readUInt32LE(damaged.length - 8) - 1;
  damaged.writeUInt8(damaged.readUInt8(last) ^ 1, last);
  await at.store.put(path, damaged);
  const { code, out } = await table('check');
  expect([code, out]).toEqual([
    1,
    expect.stringMatching(
      /checksum[\s\S]*3 files, 11 rows, 1 finding\.\nTo mend it: see parquet\.invalid in docs\/errors\.md\.\n$/,
    ),
  ]);
  await at.store.put(path, sound);
});

it('a deletion vector is refused by the name of its file, with the statement that takes it away', async () => {
  const [first] = (await snapshotOf(at)).files.values();
  if (!first) throw new Error('no file');
  const deletionVector = { storageType: 'u', pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^' };
  await commit({ add: { ...first, deletionVector } });
  const refusal = `version 5: the file ${first.path} has a deletion vector, which is not implemented. Write such files anew: REORG TABLE <table> APPLY (PURGE).`;
  for (const subcommand of ['files', 'check'])
    expect(await table(subcommand)).toMatchObject({ code: 1, err: expect.stringContaining(refusal) });
});
