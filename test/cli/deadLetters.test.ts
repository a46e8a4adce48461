import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { settingsAt } from '../../local/processes';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { StreamTables } from '../lib/verify/streamTables';

/*
 * `npm run dead-letters` as its users run it, on the storage emulator.
 */

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
  const { connectionString } = azurite;
  const tables = new StreamTables(await openAzureBlobStore({ connectionString }, 'lake'));
  await tables.commit([[0, 0]], [[0, 1]]);
  await tables.addLetters([{ partition: 0, sequence: 1 }]);
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

it('names the event of which there is no letter, and what says more of it', async () => {
  expect(await deadLetters('show', 'clickstream', '3', '7')).toEqual({
    code: 1,
    out: 'devstoreaccount1/lake has no dead letter of partition 3 sequence 7 of clickstream: "npm run trace -- clickstream 3 7" says whether the event is a row.\n',
  });
});
