import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { settingsAt } from '../../local/processes';
import { putCommit } from '../../src/lib/delta/commit';
import { openSnapshot } from '../../src/lib/delta/openTable';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { StreamTables } from '../lib/verify/streamTables';

/*
 * `npm run dead-letters` as its users run it, on the storage emulator.
 */

let azurite: Azurite;
let tables: StreamTables;
beforeAll(async () => {
  azurite = await startAzurite();
  const { connectionString } = azurite;
  tables = new StreamTables(await openAzureBlobStore({ connectionString }, 'lake'));
  await tables.commit([[0, 0]], [[0, 1]]);
  await tables.addLetters([{ partition: 0, sequenceNumber: 1 }]);
});
afterAll(() => azurite.close());

function deadLetters(...args: string[]): Promise<{ code: number; out: string }> {
  const settings = settingsAt({ storageConnection: azurite.connectionString, brokerPort: 1 });
  const argv = [resolve('dist/src/cli/deadLetters.js'), ...args];
  const env = { PATH: process.env.PATH, ...settings };
  return new Promise((done) =>
    execFile(process.execPath, argv, { env }, (error, out) => done({ code: Number(error?.code ?? 0), out })),
  );
}

it('says of a DELETE that can no longer be read whether it is on record', async () => {
  await tables.commit([[0, 2]], [[0, 2]]);
  const { connectionString } = azurite;
  const at = { store: await openAzureBlobStore({ connectionString }, 'lake'), table: 'clicks' };
  const { version = 0, files } = (await openSnapshot(at)) ?? {};
  const path = [...(files?.keys() ?? [])].at(-1) ?? '';
  const remove = { path, dataChange: true, deletionTimestamp: Date.now() };
  const info = { operation: 'DELETE', isBlindAppend: false };
  await putCommit(at, version + 1, [{ remove }], info);
  const file = await at.store.get(`clicks/${path}`);
  await at.store.delete(`clicks/${path}`);

  const unreadable = `What 1 DELETE took away cannot be read any more:\n  clicks version ${version + 1}: its file ${path} is gone\n`;
  const restore =
    'Restore the files from soft delete, and run this again: otherwise verify goes on missing what was not put on record.';
  expect(await deadLetters('erased', 'clickstream')).toEqual({
    code: 1,
    out: `clickstream: 1 DELETE, 0 rows put on record as erased.\n${unreadable}1 event of clickstream is missing. ${restore}\n`,
  });

  await at.store.put(`clicks/${path}`, file?.bytes ?? new Uint8Array(0));
  expect(await deadLetters('erased', 'clickstream')).toMatchObject({ code: 0 });
  await at.store.delete(`clicks/${path}`);
  expect(await deadLetters('erased', 'clickstream')).toEqual({
    code: 0,
    out: `clickstream: 1 DELETE, 0 rows put on record as erased.\n${unreadable}No event of clickstream is missing.\n`,
  });
});

it('names the event of which there is no letter, and what says more of it', async () => {
  expect(await deadLetters('show', 'clickstream', '3', '7')).toEqual({
    code: 1,
    out: 'devstoreaccount1/lake has no dead letter of clickstream partition 3, sequence number 7: "npm run trace -- clickstream 3 7" says whether the event is a row.\n',
  });
});

it('lists the newest letter of each reason with its partition and sequence number', async () => {
  const { code, out } = await deadLetters('list');
  expect(code).toBe(0);
  expect(out).toMatch(/^ +1 {2}clickstream \S+\n +the newest, of \S+Z: partition 0, sequence number 1: /);
});
