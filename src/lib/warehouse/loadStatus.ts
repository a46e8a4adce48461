import { createHash } from 'node:crypto';
import type { TablePosition } from '../delta/position';
import { minuteMs } from '../duration';
import { describeFailure } from '../errors';
import { jsonValue } from '../jsonObject';
import { StatusWriter } from '../lake/statusWriter';
import type { ObjectStore } from '../storage/objectStore';

/*
 * Functions share no memory, and asking the database would wake a paused pool. So a process that loads a table records in the lake the
 * position of the table and the outcome of the last attempt, and GET /api/health reads it there.
 */

/** The outcomes of the last attempt; `idle` before the first one. */
const loaderStates = ['idle', 'current', 'behind', 'no-table', 'needs-rebuild', 'failed'] as const;

/** The outcome of the last attempt to load a table. */
export interface LoaderStatus {
  readonly state: (typeof loaderStates)[number];
  /** The code of the error. Its message is not recorded, because it may name servers. */
  readonly error?: string;
  /** Why the table needs a rebuild. */
  readonly reason?: string;
}

/** The record of a table. */
export interface LoadStatus extends LoaderStatus {
  /** The position of the table; undefined if the ledger was never read. */
  readonly position?: TablePosition;
  /** The end of the log at which it was found that the table needs a rebuild. */
  readonly head?: TablePosition;
  /** False if the ledger has no columns for marks, and this process may not add them. */
  readonly keepsMarks?: boolean;
  /** A hash of the warehouse's name, which tells one warehouse from another. */
  readonly warehouse?: string;
}

/** The member `warehouse` of a record, for a warehouse of this name. */
export const warehouseMark = (name: string): string =>
  createHash('sha256').update(name).digest('hex').slice(0, 16);

/** How often a new position is written, in milliseconds. A problem, and the end of a problem, are written at once. */
const everyMs = 10_000;
/** How often an unchanged status is written again, in milliseconds, because another process may have replaced it with an older one. */
const repeatMs = minuteMs;

/** @param table its full name, like `clickstream.clicks` */
export const loadStatusPath = (table: string): string =>
  `_status/warehouse/${encodeURIComponent(table)}.json`;

/** Reads a record. Undefined if no load was recorded, or the record cannot be read. Throws `storage.*`. */
export async function readLoadStatus(store: ObjectStore, table: string): Promise<LoadStatus | undefined> {
  const found = await store.get(loadStatusPath(table));
  return found && parseLoadStatus(found.bytes);
}

/** Writes a record. If the status has no position, because the process could not read the ledger, the recorded position is kept. */
export async function writeLoadStatus(store: ObjectStore, table: string, status: LoadStatus): Promise<void> {
  const { position = (await readLoadStatus(store, table))?.position, ...rest } = status;
  await store.put(loadStatusPath(table), Buffer.from(JSON.stringify({ position, ...rest })));
}

function parseLoadStatus(bytes: Uint8Array): LoadStatus | undefined {
  const raw = (jsonValue(Buffer.from(bytes).toString('utf8')) ?? {}) as Record<string, unknown>;
  const { state, error, reason, keepsMarks, warehouse } = raw;
  const known = loaderStates.find((each) => each === state);
  if (!known) return undefined;
  const [position, head] = [parsePosition(raw.position), parsePosition(raw.head)];
  return {
    state: known,
    ...(isCode(error) && { error }),
    ...(typeof reason === 'string' && { reason }),
    ...(typeof keepsMarks === 'boolean' && { keepsMarks }),
    ...(typeof warehouse === 'string' && { warehouse }),
    ...(position && { position }),
    ...(head && { head }),
  };
}

function parsePosition(value: unknown): TablePosition | undefined {
  const { tableId, version, mark } = (value ?? {}) as Record<string, unknown>;
  if (typeof tableId !== 'string' || !Number.isSafeInteger(version)) return undefined;
  return { tableId, version: Number(version), mark: typeof mark === 'string' ? mark : undefined };
}

const isCode = (value: unknown): value is string => typeof value === 'string' && /^[a-z.]+$/.test(value);

export interface LoadStatusFileOptions {
  readonly store: () => Promise<ObjectStore>;
  readonly table: string;
  /** Called with a message if the record could not be written. It is called once, and again only after a record was written in between. */
  readonly warn: (message: string) => void;
  readonly everyMs?: number;
}

/** Keeps the record of a table up to date while this process loads it. */
export class LoadStatusFile {
  readonly #writer: StatusWriter;
  readonly #everyMs: number;
  #status: LoadStatus = { state: 'idle' };
  #written: { readonly problem: string; readonly at: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor({ store, table, warn, everyMs: every = everyMs }: LoadStatusFileOptions) {
    this.#everyMs = every;
    let hasWarned = false;
    this.#writer = new StatusWriter({
      store,
      write: (to) => writeLoadStatus(to, table, this.#status),
      onWritten: () => {
        hasWarned = false;
      },
      onFailed: (error) => {
        if (!hasWarned) warn(`The status of ${table} is not recorded: ${describeFailure(error).message}`);
        hasWarned = true;
      },
    });
  }

  /** Records this status, at once or soon. The call returns at once and never throws. */
  changed(status: LoadStatus): void {
    this.#status = status;
    const wait = (this.#written?.at ?? Number.NEGATIVE_INFINITY) + this.#everyMs - performance.now();
    if (wait <= 0 || problemOf(status) !== this.#written?.problem) this.#write();
    // The timer must not keep a process alive that has nothing else to do.
    else this.#timer ??= setTimeout(() => this.#write(), wait).unref();
  }

  /** Records a status that is not recorded yet. Resolves when it is written, or could not be. */
  async end(): Promise<void> {
    if (this.#timer) this.#write();
    await this.#writer.settled();
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#written = { problem: problemOf(this.#status), at: performance.now() };
    this.#writer.tell(JSON.stringify(this.#status), repeatMs);
  }
}

const problemOf = ({ error, reason, keepsMarks }: LoadStatus): string =>
  JSON.stringify([error, reason, keepsMarks ?? true]);
