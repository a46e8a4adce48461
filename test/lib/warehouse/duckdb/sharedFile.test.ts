import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { beginning } from '../../../../src/lib/delta/position';
import { listenOnLoopback } from '../../../../src/lib/sameMachine';
import { clickstream } from '../../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import { catchUp } from '../../../../src/lib/warehouse/catchUp';
import {
  connectToOwner,
  openDuckDb,
  openDuckDbToRead,
} from '../../../../src/lib/warehouse/duckdb/sharedFile';
import { rebuild } from '../../../../src/lib/warehouse/rebuild';
import { UnloadedCommits } from '../../../../src/lib/warehouse/unloadedCommits';
import type { Warehouse } from '../../../../src/lib/warehouse/warehouse';
import { requestsOfOtherSites, sendAs } from '../../../kit/sendAs';
import { clicks, clicksTable } from '../deltaTable';

const table = clickstream.warehouse as WarehouseTable;
const signal = new AbortController().signal;

let folder: string;
let path: string;
let owner: ReturnType<typeof spawn> | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'warehouse-'));
  path = join(folder, 'test.duckdb');
});
afterEach(async () => {
  await endOwner('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Another process that opens the file and keeps it. */
async function startOwner(): Promise<void> {
  const module = JSON.stringify(resolve('dist/src/lib/warehouse/duckdb/sharedFile.js'));
  const script = `require(${module}).openDuckDb(process.argv[1]).then((warehouse) => {
    console.log('open');
    process.on('SIGTERM', () => warehouse.close().then(() => process.exit(0)));
    setInterval(() => {}, 1000);
  });`;
  const child = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  owner = child;
  await new Promise<void>((done, reject) => {
    child.stdout?.once('data', () => done());
    child.once('exit', (code) => reject(new Error(`The owner ended with ${code}.`)));
  });
}

async function endOwner(signalName: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const child = owner;
  owner = undefined;
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill(signalName);
  await ended;
}

/** The file as another process has it, with the rows of 10 clicks. */
async function loadThroughOwner(): Promise<Warehouse> {
  await startOwner();
  const remote = await openDuckDb(path);
  await remote.init([table]);
  const delta = await clicksTable();
  await delta.commit(clicks(10));
  await catchUp({ warehouse: remote, commits: new UnloadedCommits(delta.at), table, signal });
  return remote;
}

it('a process may have two DuckDB files, and each is found by its own path', async () => {
  const paths = [path, join(folder, 'other.duckdb')];
  for (const [index, each] of paths.entries()) {
    const warehouse = await openDuckDb(each);
    onTestFinished(() => warehouse.close());
    if (index === 0) await warehouse.init([table]);
  }
  const found = await Promise.all(paths.map(connectToOwner));
  const ledgers = await Promise.all(found.map((warehouse) => warehouse?.ledger()));
  expect(ledgers.map((ledger) => ledger?.size)).toEqual([1, 0]);
});

describe('a DuckDB file that is opened for queries', () => {
  const bytesOf = () => readFileSync(path).toString('base64');

  it('is not made if it is not there', async () => {
    const below = join(folder, 'no', 'such.duckdb');
    await expect(openDuckDbToRead(below)).rejects.toMatchObject({
      code: 'warehouse.refused',
      message: `There is no file ${below}, which WAREHOUSE names. It is made when the first rows are loaded.`,
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is opened without a right to write, and without a way to other files', async () => {
    await (await openDuckDb(path)).close();
    const reader = await openDuckDbToRead(path);
    onTestFinished(() => reader.close());
    const settings = ['access_mode', 'enable_external_access', 'lock_configuration'];
    const asked = settings.map((name) => `current_setting('${name}')::VARCHAR AS ${name}`);
    expect(await reader.query(`SELECT ${asked.join(', ')}`)).toEqual([
      { access_mode: 'read_only', enable_external_access: 'false', lock_configuration: 'true' },
    ]);
  });

  it('stays as it is, also if it is not one of ours', async () => {
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run('CREATE TABLE t AS SELECT 7 AS x');
    connection.closeSync();
    instance.closeSync();
    const before = bytesOf();
    const reader = await openDuckDbToRead(path);
    expect(await reader.query('SELECT x FROM t')).toEqual([{ x: 7 }]);
    await expect(reader.query('DROP TABLE t')).rejects.toMatchObject({ code: 'warehouse.refused' });
    await reader.close();
    expect([bytesOf(), readdirSync(folder)]).toEqual([before, ['test.duckdb']]);
  });

  it('is asked from the process that has it, and read after that was killed', async () => {
    await loadThroughOwner();
    const rows = async () => {
      const reader = await openDuckDbToRead(path);
      const found = await reader.query('SELECT count(*) AS n FROM clickstream.clicks');
      await reader.close();
      return found.map(({ n }) => Number(n));
    };
    expect(await rows()).toEqual([10]);
    await endOwner('SIGKILL');
    expect(await rows()).toEqual([10]);
  });

  it('can be opened by another process again once it is closed', async () => {
    await (await openDuckDb(path)).close();
    const reader = await openDuckDbToRead(path);
    await reader.query('SELECT 1');
    await reader.close();
    await startOwner();
    expect(await connectToOwner(path)).toBeDefined();
  });

  it('is read by the call that notices that the process which had it has ended', async () => {
    await loadThroughOwner();
    const reader = await openDuckDbToRead(path);
    await endOwner('SIGTERM');
    expect(await reader.query('SELECT count(*)::INT AS n FROM clickstream.clicks')).toEqual([{ n: 10 }]);
    await reader.close();
  });
});

describe('a process that opens a DuckDB file several times', () => {
  it('serves it until the last one closes it', async () => {
    const [first, second] = await Promise.all([openDuckDb(path), openDuckDb(path)]);
    await first.init([table]);
    await second.close();
    await second.close();
    const other = await connectToOwner(path);
    expect((await other?.ledger())?.size).toBe(1);
    const third = await openDuckDb(path);
    await first.close();
    expect((await other?.ledger())?.size).toBe(1);
    await third.close();
    expect(existsSync(`${path}.owner.json`)).toBe(false);
    expect(await connectToOwner(path)).toBeUndefined();
  });

  it('opens it again after it was closed, also while it is being closed', async () => {
    const first = await openDuckDb(path);
    await first.init([table]);
    const closed = first.close();
    const second = await openDuckDb(path);
    await closed;
    expect((await second.ledger()).size).toBe(1);
    expect((await (await connectToOwner(path))?.ledger())?.size).toBe(1);
    await second.close();
  });
});

describe('the process that has a DuckDB file', () => {
  /** Its answer to a call, as it comes. */
  async function answerTo(call: object): Promise<unknown> {
    const { url, token } = JSON.parse(readFileSync(`${path}.owner.json`, 'utf8'));
    const headers = { authorization: `Bearer ${token}` };
    const reply = await fetch(url, { method: 'POST', headers, body: new Uint8Array(serialize(call)) });
    return deserialize(Buffer.from(await reply.arrayBuffer()));
  }

  beforeEach(async () => {
    const warehouse = await openDuckDb(path);
    onTestFinished(() => warehouse.close());
  });

  it('answers with the code and the text of an error', async () => {
    const found = await connectToOwner(path);
    await expect(found?.query('SELEKT 1')).rejects.toMatchObject({
      code: 'warehouse.refused',
      message: expect.stringContaining('SELEKT'),
    });
  });

  it('keeps the file after an error, and gives it up when it is closed', async () => {
    const other = join(folder, 'other.duckdb');
    const warehouse = await openDuckDb(other);
    const before = readFileSync(`${other}.owner.json`, 'utf8');
    await expect(warehouse.query('SELEKT 1')).rejects.toMatchObject({ code: 'warehouse.refused' });
    expect((await warehouse.ledger()).size).toBe(0);
    expect(readFileSync(`${other}.owner.json`, 'utf8')).toBe(before);
    await warehouse.query('SELEKT 1').catch(() => {});
    await warehouse.close();
    expect(existsSync(`${other}.owner.json`)).toBe(false);
  });

  it('takes calls of its own release alone, and only those of a warehouse', async () => {
    const { protocol } = JSON.parse(readFileSync(`${path}.owner.json`, 'utf8'));
    expect(await answerTo({ protocol, method: 'ledger', args: [] })).toEqual({ value: new Map() });
    const other = { code: 'warehouse.refused', message: expect.stringContaining('of another release') };
    for (const wrong of [undefined, protocol + 1])
      expect(await answerTo({ protocol: wrong, method: 'ledger', args: [] })).toEqual(other);
    for (const method of ['close', 'constructor', 'nothing'])
      expect(await answerTo({ protocol, method, args: [] })).toEqual({
        code: 'warehouse.refused',
        message: `There is no ${method}.`,
      });
  });

  it('answers even what it cannot read', async () => {
    const { url, token } = JSON.parse(readFileSync(`${path}.owner.json`, 'utf8'));
    const headers = { authorization: `Bearer ${token}` };
    const reply = await fetch(url, { method: 'POST', headers, body: 'x' });
    expect(deserialize(Buffer.from(await reply.arrayBuffer()))).toMatchObject({ code: 'warehouse.refused' });
  });
});

describe('a DuckDB file that another process has', () => {
  it('is worked with through that process: loads, rebuilds, queries', async () => {
    await startOwner();
    const warehouse = await openDuckDb(path);
    await warehouse.init([table]);
    const delta = await clicksTable();
    await delta.commit(clicks(3000));
    expect(await catchUp({ warehouse, commits: new UnloadedCommits(delta.at), table, signal })).toEqual({
      state: 'current',
      version: 1,
    });
    expect(await rebuild({ warehouse, at: delta.at, table, signal })).toEqual({
      outcome: 'rebuilt',
      version: 1,
    });
    expect(
      await warehouse.query('SELECT count(*) AS n, max(productid) AS last FROM clickstream.clicks'),
    ).toEqual([{ n: '3000', last: 2999 }]);
    await expect(warehouse.query('SELEKT 1')).rejects.toMatchObject({
      code: 'warehouse.refused',
      message: expect.stringContaining('SELEKT'),
    });
    for (const sql of ['DROP TABLE clickstream.clicks', 'COMMIT; DROP TABLE clickstream.clicks'])
      await expect(warehouse.query(sql)).rejects.toThrow('one SELECT statement');
    expect(await warehouse.query('SELECT count(*)::INT AS n FROM clickstream.clicks')).toEqual([{ n: 3000 }]);
  });

  it('is free again when that process ends, and keeps its rows when it is killed', async () => {
    const remote = await loadThroughOwner();
    await endOwner('SIGKILL');
    expect(await connectToOwner(path)).toBeUndefined();
    // The next call opens the file, and then serves the others.
    expect((await remote.ledger()).get('clickstream.clicks')?.version).toBe(1);
    expect(await remote.query('SELECT count(*) AS n FROM clickstream.clicks')).toEqual([{ n: '10' }]);
    const another = await connectToOwner(path);
    expect((await another?.ledger())?.get('clickstream.clicks')?.version).toBe(1);
    await remote.close();
    await startOwner();
    await endOwner('SIGTERM');
    expect(await connectToOwner(path)).toBeUndefined();
  });

  it('is opened once by a process of which several calls notice that the other one has ended', async () => {
    await startOwner();
    const remote = await openDuckDb(path);
    await remote.init([table]);
    await endOwner('SIGKILL');
    const again = [1, 2, 3].map((n) => remote.query(`SELECT ${n}::INT AS n`));
    expect(await Promise.all(again)).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]]);
    await remote.close();
    // Nobody has the file any more.
    expect(existsSync(`${path}.owner.json`)).toBe(false);
    await startOwner();
  });

  it('is waited for while it is being closed', async () => {
    await startOwner();
    // Its process has withdrawn, and has it open for a moment longer.
    rmSync(`${path}.owner.json`);
    const opening = openDuckDb(path);
    await new Promise((done) => setTimeout(done, 300));
    await endOwner('SIGKILL');
    await (await opening).close();
  });

  it('keeps marks', async () => {
    await startOwner();
    const warehouse = await openDuckDb(path);
    await warehouse.init([table]);
    expect(warehouse.keepsMarks()).toBe(true);
    const rows = { columns: table.columns.map(() => []), count: 0, rejected: [] };
    const to = { tableId: 'id', version: 3, mark: 'mark' };
    expect(await warehouse.load({ table, from: beginning, to, rows })).toBe('loaded');
    expect((await warehouse.ledger()).get('clickstream.clicks')).toStrictEqual(to);
    const shadow = { ...table, name: 'clicks__reload_4_00000000' };
    await warehouse.createShadow({ table, shadow }, { tableId: 'id', version: 4, mark: 'four' });
    expect((await warehouse.ledger()).get('clickstream.clicks__reload_4_00000000')?.mark).toBe('four');
    expect(await warehouse.lostBySwap(table)).toEqual([]);
    expect(await warehouse.hold({ table, shadow })).toBe(true);
    await warehouse.release({ table, shadow });
    // The process that takes the file over keeps them.
    await endOwner('SIGKILL');
    expect((await warehouse.ledger()).get('clickstream.clicks')).toStrictEqual(to);
    expect((await connectToOwner(path))?.keepsMarks()).toBe(true);
    await warehouse.close();
  });

  it('is refused if that process is of another release', async () => {
    await startOwner();
    const { url, token } = JSON.parse(readFileSync(`${path}.owner.json`, 'utf8'));
    // An earlier release asks a newer one.
    const headers = { authorization: `Bearer ${token}` };
    const body = new Uint8Array(serialize({ method: 'ledger', args: [] }));
    const reply = await fetch(url, { method: 'POST', headers, body });
    expect(deserialize(Buffer.from(await reply.arrayBuffer()))).toEqual({
      code: 'warehouse.refused',
      message: `duckdb:${path} is open in a process of another release.`,
    });
    // A newer release finds what an earlier one writes about itself.
    writeFileSync(`${path}.owner.json`, JSON.stringify({ url, token, keepsMarks: true }));
    expect(await connectToOwner(path)).toBeUndefined();
    await expect(openDuckDb(path)).rejects.toMatchObject({
      code: 'warehouse.unavailable',
      message: expect.stringContaining('of another release'),
    });
  });

  it('is refused for a reason that this release does not know', async () => {
    const mine = await openDuckDb(path);
    const { protocol } = JSON.parse(readFileSync(`${path}.owner.json`, 'utf8'));
    await mine.close();
    const server = createServer((request, response) => {
      request.resume();
      request.on('end', () => response.end(serialize(answers.shift())));
    });
    const answers = [{ value: new Map() }, { code: 'warehouse.tired', message: 'Not today.' }];
    const port = await listenOnLoopback(server);
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${port}/`;
    writeFileSync(`${path}.owner.json`, JSON.stringify({ url, token: 't', protocol }));
    const other = await connectToOwner(path);
    await expect(other?.ledger()).rejects.toMatchObject({
      code: 'warehouse.refused',
      message: 'Not today.',
    });
  });

  it('does not answer without the token, which only its user may read', async () => {
    const mine = await openDuckDb(path);
    const file = `${path}.owner.json`;
    expect(statSync(file).mode & 0o077).toBe(0);
    const { url, token } = JSON.parse(readFileSync(file, 'utf8')) as { url: string; token: string };
    expect(new URL(url).hostname).toBe('127.0.0.1');
    const others = ['Bearer x', `Bearer ${token.replace(/^./, (first) => (first === '0' ? '1' : '0'))}`];
    for (const headers of [{}, ...others.map((authorization) => ({ authorization }))]) {
      const reply = await fetch(url, { method: 'POST', headers, body: 'x' });
      expect([reply.status, await reply.text()]).toEqual([401, '']);
    }
    for (const headers of requestsOfOtherSites)
      expect((await sendAs(url, { ...headers, authorization: `Bearer ${token}` }, 'POST')).status).toBe(403);
    await mine.close();
  });
});

it('is refused with the reason if it is not a database', async () => {
  const text = join(folder, 'notes.txt');
  writeFileSync(text, 'no database '.repeat(1000));
  await expect(openDuckDb(text)).rejects.toMatchObject({ code: 'warehouse.refused' });
});
