import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { settingsAt } from '../../local/processes';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { StreamTables } from '../lib/verify/streamTables';

/*
 * Commands that print what senders wrote, as their users run them: no sender can control the terminal or forge a line.
 */

const hostile = '\u001b]0;owned\u0007\u001b[2J\u001b[1;32mEach event is there once.\u001b[0m\r\u009b2K\u202e';
const shown =
  '\\u001b]0;owned\\u0007\\u001b[2J\\u001b[1;32mEach event is there once.\\u001b[0m\\u000d\\u009b2K\\u202e';

let azurite: Azurite;
const folder = mkdtempSync(join(tmpdir(), 'inert-'));
beforeAll(async () => {
  azurite = await startAzurite();
  const { connectionString } = azurite;
  const tables = new StreamTables(await openAzureBlobStore({ connectionString }, 'lake'));
  await tables.commit([[0, 0]], [[0, 1]]);
  await tables.addLetters([
    { partition: 0, sequenceNumber: 1, detail: `is\nnot ${hostile}`, body: `{"a":\n"${hostile}"` },
  ]);
  await run('warehouse', 'init');
});
afterAll(async () => {
  await azurite.close();
  rmSync(folder, { recursive: true });
});

function run(command: string, ...args: string[]): Promise<string> {
  const settings = settingsAt({ storageConnection: azurite.connectionString, brokerPort: 1 });
  const env = { PATH: process.env.PATH, ...settings, WAREHOUSE: `duckdb:${join(folder, 'test.duckdb')}` };
  const file = resolve(`dist/src/cli/${command}.js`);
  return new Promise((done) =>
    execFile(process.execPath, [file, ...args], { env, cwd: folder }, (_error, out, err) => done(out + err)),
  );
}

it.each([
  ['deadLetters list', ['deadLetters', 'list'], `is\\nnot ${shown}\n`],
  ['deadLetters show', ['deadLetters', 'show', 'clickstream', '0', '1'], `is\\nnot ${shown}\n`],
  ['deadLetters show, the body', ['deadLetters', 'show', 'clickstream', '0', '1'], `{"a":\n"${shown}"\n`],
  ['trace', ['trace', 'clickstream', '0', '1'], `{"a":\\n"${shown}"\n`],
  ['warehouse query', ['warehouse', 'query', `SELECT 'a\n${hostile}' AS "b\n${hostile}"`], `a\\n${shown}`],
  ['warehouse query, the names', ['warehouse', 'query', `SELECT 1 AS "b\n${hostile}"`], `b\\n${shown}`],
  ['warehouse query, a struct', ['warehouse', 'query', `SELECT {'a': 'b${hostile}'} AS s`], '{"a":"b'],
  ['a wrong word', ['trace', hostile, '0', '1'], `${shown} is no stream`],
])('%s shows what a sender wrote as escapes', async (_name, [command = '', ...args], expected) => {
  const output = await run(command, ...args);
  expect(output).toContain(expected);
  expect(output.replace(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
});
