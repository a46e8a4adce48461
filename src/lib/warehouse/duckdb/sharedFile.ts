import { randomUUID, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { minuteMs } from '../../duration';
import { type ErrorCode, errorCodes, TributaryError } from '../../errors';
import { type Once, once } from '../../once';
import { isRefused, listenOnLoopback } from '../../sameMachine';
import type { Warehouse } from '../warehouse';
import { FileInUse, openDuckDbFile, openDuckDbReader } from './duckDbWarehouse';

/*
 * Shares a DuckDB file, which only one process can have open. That process serves the others on this machine over loopback. They need a
 * token from a file beside the database, which only the same user can read.
 */

const methods = [
  'init',
  'ledger',
  'missingColumns',
  'load',
  'createShadow',
  'lostBySwap',
  'hold',
  'release',
  'swap',
  'dropShadow',
  'dropLeftovers',
  'query',
] as const;
type Method = (typeof methods)[number];

const callLimitMs = minuteMs;

/** Calls that change nothing. If the outcome of such a call is unknown, it may be made again. */
const reads: readonly Method[] = ['ledger', 'missingColumns', 'lostBySwap', 'query'];

/**
 * While a file is being opened or closed, nobody answers for it. Calls wait for up to the first of these times, and ask again after each of
 * the second; both are in milliseconds.
 */
const [changeLimitMs, askEveryMs] = [2000, 100] as const;

/**
 * The version of the messages between the processes, and of the rules for queries. It is raised if they change. The first releases sent
 * none.
 */
const protocol = 5;

interface Owner {
  readonly url: string;
  readonly token: string;
  readonly protocol: number;
}

/** The answer to a call, in the form in which it is sent. */
type Answer = { readonly value: unknown } | { readonly code: string; readonly message: string };

const ownerFile = (path: string) => `${path}.owner.json`;

/**
 * The warehouse in a DuckDB file. If no other process has the file open, this process opens it; otherwise its calls go to the process that
 * has it. If that process has ended, the call opens the file. But if it is unknown whether the call had changed anything, it fails, and the
 * next call opens the file.
 * @throws `warehouse.unavailable` if the process that has the file does not answer or is of another release; `warehouse.refused`
 */
export async function openDuckDb(path: string): Promise<Warehouse> {
  const file = resolve(path);
  mkdirSync(dirname(file), { recursive: true });
  const current = once(() => openOrConnect(file, openHere));
  const { name } = await current();
  const run = (method: Method, args: unknown[]) =>
    callOrReopen(current, method, (warehouse) => callMethod(warehouse, method, args));
  return asWarehouse({ name, run, close: async () => (await current.made())?.close() });
}

/** Calls the process that has the file. If it has ended, the file is opened anew, and the call is repeated if that is safe. */
async function callOrReopen<Opened, Result>(
  current: Once<Promise<Opened>>,
  method: Method,
  call: (opened: Opened) => Promise<Result>,
): Promise<Result> {
  const used = current();
  try {
    return await call(await used);
  } catch (error) {
    if (!(error instanceof TributaryError) || error.code !== 'warehouse.unavailable') throw error;
    if (current.made() === used) current.forget();
    const { name, cause } = (error.cause ?? {}) as { name?: string; cause?: { code?: string } };
    const isSafe = cause?.code === 'ECONNREFUSED' || reads.includes(method);
    if (name === 'TimeoutError' || !isSafe) throw error;
    return call(await current());
  }
}

/**
 * A DuckDB file for queries only. If another process has it open, that process is asked; otherwise it is opened without the right to write.
 * @throws `warehouse.refused` if there is no such file, and what openDuckDb throws
 */
export async function openDuckDbToRead(path: string): Promise<Pick<Warehouse, 'query' | 'close'>> {
  const file = resolve(path);
  if (!existsSync(file))
    throw new TributaryError(
      'warehouse.refused',
      `There is no file ${file}, which WAREHOUSE names. It is made when the first rows are loaded.`,
    );
  const current = once(() => openOrConnect(file, openDuckDbReader));
  await current();
  return {
    query: (sql) => callOrReopen(current, 'query', (opened) => opened.query(sql)),
    close: async () => (await current.made())?.close(),
  };
}

/** A file that this process has open, shared by everybody who opened it in this process. */
interface OwnFile {
  readonly warehouse: Promise<Warehouse>;
  users: number;
  /** Set when the last user has closed it. Resolves when the file is closed. */
  closed?: Promise<void>;
}

const ownFiles = new Map<string, OwnFile>();

/**
 * Opens a file in this process. A second caller in this process shares it with the first. It is served to the other processes until the
 * last user closes it.
 * @throws FileInUse if another process has it
 */
async function openHere(file: string): Promise<Warehouse> {
  for (let closing = ownFiles.get(file)?.closed; closing; closing = ownFiles.get(file)?.closed) await closing;
  const own = ownFiles.get(file) ?? {
    warehouse: openDuckDbFile(file).then((opened) => serve(file, opened)),
    users: 0,
  };
  ownFiles.set(file, own);
  own.users++;
  const leave = once(async () => {
    if (--own.users > 0) return;
    own.closed = own.warehouse.then(
      (warehouse) => warehouse.close(),
      () => {},
    );
    await own.closed.finally(() => ownFiles.delete(file));
  });
  try {
    const warehouse = await own.warehouse;
    const run = (method: Method, args: unknown[]) => callMethod(warehouse, method, args);
    return asWarehouse({ name: warehouse.name, run, close: leave });
  } catch (error) {
    await leave();
    throw error;
  }
}

async function openOrConnect<Opened>(
  file: string,
  open: (file: string) => Promise<Opened>,
): Promise<Opened | Warehouse> {
  for (const until = performance.now() + changeLimitMs; ; await sleep(askEveryMs)) {
    try {
      return await open(file);
    } catch (error) {
      if (!(error instanceof FileInUse)) throw error;
    }
    const remote = await connectToOwner(file);
    if (remote) return remote;
    if (performance.now() >= until) break;
  }
  throw new TributaryError(
    'warehouse.unavailable',
    `duckdb:${file} is open in another process, which does not answer or is of another release: a DuckDB file belongs to one process at a time.`,
  );
}

interface Way extends Pick<Warehouse, 'name' | 'close'> {
  readonly run: (method: Method, args: unknown[]) => Promise<unknown>;
}

/** A warehouse that passes the calls of all its methods to `run`. */
function asWarehouse({ run, ...others }: Way): Warehouse {
  const entries = methods.map((method) => [method, (...args: unknown[]) => run(method, args)]);
  // Marks are always kept, because every owner calls `init`, which adds their columns to every file.
  return { ...Object.fromEntries(entries), ...others, kind: 'duckdb', keepsMarks: () => true } as Warehouse;
}

const callMethod = (warehouse: Warehouse, method: Method, args: unknown[]) =>
  (warehouse[method].bind(warehouse) as (...args: unknown[]) => Promise<unknown>)(...args);

/** The warehouse of the process that has the file open; undefined if none answers, or if it is of another release. */
export async function connectToOwner(path: string): Promise<Warehouse | undefined> {
  const file = resolve(path);
  let owner: Owner;
  try {
    owner = JSON.parse(readFileSync(ownerFile(file), 'utf8')) as Owner;
    if (owner.protocol !== protocol) return undefined;
    await call(file, owner, 'ledger', []);
  } catch {
    return undefined;
  }
  return asWarehouse({
    name: `duckdb:${file}`,
    run: (method, args) => call(file, owner, method, args),
    close: async () => {},
  });
}

async function call(file: string, { url, token }: Owner, method: Method, args: unknown[]): Promise<unknown> {
  let answer: Answer;
  try {
    const reply = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: new Uint8Array(serialize({ protocol, method, args })),
      signal: AbortSignal.timeout(callLimitMs),
    });
    answer = deserialize(Buffer.from(await reply.arrayBuffer())) as Answer;
  } catch (cause) {
    const isLate = (cause as Partial<Error> | null)?.name === 'TimeoutError';
    const what = isLate ? 'that has it open does not answer' : 'that had it open has ended';
    throw new TributaryError('warehouse.unavailable', `duckdb:${file}: the process ${what}.`, { cause });
  }
  if ('value' in answer) return answer.value;
  const code = answer.code in errorCodes ? (answer.code as ErrorCode) : 'warehouse.refused';
  throw new TributaryError(code, answer.message);
}

async function serve(file: string, warehouse: Warehouse): Promise<Warehouse> {
  // This makes the ledger. Without it, a process that finds the file taken would ask for a ledger that does not exist yet.
  await warehouse.init([]);
  const token = randomUUID();
  const server = createServer((request, response) => void answerCall(warehouse, token, request, response));
  const port = await listenOnLoopback(server);
  server.unref();
  const owner: Owner = { url: `http://127.0.0.1:${port}/`, token, protocol };
  writeFileSync(ownerFile(file), JSON.stringify(owner), { mode: 0o600 });
  return asWarehouse({
    name: warehouse.name,
    run: (method, args) => callMethod(warehouse, method, args),
    close: async () => {
      rmSync(ownerFile(file), { force: true });
      server.close();
      server.closeAllConnections();
      await warehouse.close();
    },
  });
}

async function answerCall(
  warehouse: Warehouse,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (isRefused(request, response)) return;
  // The token is in a file beside the database, so only a process that can read this file knows it.
  const sent = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  if (sent.length !== wanted.length || !timingSafeEqual(sent, wanted)) {
    response.writeHead(401).end();
    return;
  }
  let answer: Answer;
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = deserialize(Buffer.concat(chunks)) as { protocol?: number; method: Method; args: unknown[] };
    const { method, args } = call;
    if (call.protocol !== protocol)
      throw new TributaryError(
        'warehouse.refused',
        `${warehouse.name} is open in a process of another release.`,
      );
    if (!methods.includes(method)) throw new TributaryError('warehouse.refused', `There is no ${method}.`);
    answer = { value: await callMethod(warehouse, method, args) };
  } catch (error) {
    const code = error instanceof TributaryError ? error.code : 'warehouse.refused';
    answer = { code, message: error instanceof Error ? error.message : String(error) };
  }
  response.end(serialize(answer));
}
