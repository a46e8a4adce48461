import { followSnapshot, type TableFollower } from '../src/lib/delta/follow';
import type { TableLocation } from '../src/lib/delta/log';
import { recordsOf } from '../src/lib/delta/readStatistics';
import type { Snapshot } from '../src/lib/delta/state';
import { countOpenLetters } from '../src/lib/ingest/replayLetters';
import { deadLettersTable } from '../src/lib/lake/deadLetters';
import { parseAppId } from '../src/lib/lake/hubGeneration';
import type { ObjectStore } from '../src/lib/storage/objectStore';
import type { Stream, WarehouseTable } from '../src/lib/streams/stream';
import { connectToOwner } from '../src/lib/warehouse/duckdb/sharedFile';
import { parseWarehouse } from '../src/lib/warehouse/warehouseSetting';
import { askPart } from './askPart';

/** The progress of one stream. Each figure comes from another place. */
export interface StreamFigures {
  /** Events that the broker accepted since the hub was made. */
  readonly accepted: number;
  /** How many events the broker gave to readers in this run. An event that it gave several times is counted each time. */
  readonly delivered: number;
  /** Accepted events up to the sequence numbers in the table's txns. */
  readonly ingested: number;
  /** Rows of the table's live files, by their statistics, including rows of an earlier hub of the same name. */
  readonly rows: number;
  /** Version of the Delta table; -1 if there is no table yet. */
  readonly version: number;
}

/** Reads a stream's figures again and again. Each time it only reads the new entries of the log. */
export class FiguresReader {
  readonly #brokerUrl: string;
  readonly #hub: string;
  readonly #table: TableFollower<Snapshot>;
  #rowsOf = new Map<string, number>();
  #asked: 'storage' | 'the broker' = 'storage';

  constructor(options: { brokerUrl: string; hub: string; at: TableLocation }) {
    this.#brokerUrl = options.brokerUrl;
    this.#hub = options.hub;
    this.#table = followSnapshot(options.at);
  }

  /** The part that was asked last. While `read` has not ended, its answer is awaited. */
  get asked(): string {
    return this.#asked;
  }

  async read(): Promise<StreamFigures> {
    this.#asked = 'storage';
    const snapshot = await this.#table.toHead();
    this.#asked = 'the broker';
    const { accepted, delivered, createdOn } = await this.#askBroker();
    if (!snapshot) return { accepted, delivered, ingested: 0, rows: 0, version: -1 };
    let rows = 0;
    const rowsOf = new Map<string, number>();
    for (const [path, add] of snapshot.files) {
      const count = this.#rowsOf.get(path) ?? recordsOf(add) ?? 0;
      rowsOf.set(path, count);
      rows += count;
    }
    this.#rowsOf = rowsOf;
    const ingested = this.#ingested(snapshot, createdOn);
    return { accepted, delivered, ingested, rows, version: snapshot.version };
  }

  /** Counts ingested events by the txns of the present hub. Txns of an earlier hub and of replays are about other events. */
  #ingested(snapshot: Snapshot, createdOn: Date): number {
    let ingested = 0;
    for (const [appId, { version }] of snapshot.txns) {
      const source = parseAppId(appId);
      const isHub = source?.hub === this.#hub.toLowerCase();
      if (isHub && source?.createdOn.getTime() === createdOn.getTime()) ingested += version + 1;
    }
    return ingested;
  }

  async #askBroker(): Promise<{ accepted: number; delivered: number; createdOn: Date }> {
    const { body } = await askPart('the broker', `${this.#brokerUrl}/stats`);
    const stats = body as {
      hubs: Record<string, { accepted: number; delivered: number; createdOn: string }>;
    };
    const { accepted = 0, delivered = 0, createdOn = '' } = stats.hubs[this.#hub] ?? {};
    return { accepted, delivered, createdOn: new Date(createdOn) };
  }
}

/** Counts a stream's dead letters again and again. It reads them only if there are new letters or new rows. */
export class LetterCounter {
  readonly #stream: Stream;
  readonly #rows: TableFollower<Snapshot>;
  readonly #letters: TableFollower<Snapshot>;
  #counted: { readonly rows?: Snapshot | undefined; readonly letters?: Snapshot | undefined } = {};
  #count = 0;

  constructor({ stream, store }: { stream: Stream; store: ObjectStore }) {
    this.#stream = stream;
    this.#rows = followSnapshot({ store, table: stream.table });
    this.#letters = followSnapshot({ store, table: deadLettersTable });
  }

  /** The number of different dead letters that are no rows. A letter that was replayed is a row like any other. */
  async count(): Promise<number> {
    const [rows, letters] = [await this.#rows.toHead(), await this.#letters.toHead()];
    if (rows !== this.#counted.rows || letters !== this.#counted.letters)
      this.#count = rows && letters ? await countOpenLetters(rows, letters, this.#stream) : 0;
    this.#counted = { rows, letters };
    return this.#count;
  }
}

/**
 * Rows of a table in the DuckDB warehouse, including rejected rows. The app has the DuckDB file open, so the query goes through the
 * app; undefined as long as the app has not opened the file.
 */
export async function warehouseRows(
  setting: string | undefined,
  { schema, name }: WarehouseTable,
): Promise<number | undefined> {
  const { kind, path } = { path: '', ...parseWarehouse(setting ?? 'none') };
  const warehouse = kind === 'duckdb' ? await connectToOwner(path) : undefined;
  if (!warehouse) return undefined;
  const rows = await warehouse.query(
    `SELECT (SELECT count(*) FROM "${schema}"."${name}") + (SELECT count(*) FROM ops.rejected_rows WHERE table_name = '${schema}.${name}') AS n`,
  );
  return Number(rows[0]?.n ?? 0);
}

/** The total in the answer of GET /api/clicks. */
export async function clicksOfTheApi(apiUrl: string): Promise<number> {
  const { ok, status, body } = await askPart('the Functions host', `${apiUrl}/api/clicks`);
  if (!ok) throw new Error(`GET /api/clicks answered ${status}.`);
  return (body as { total: number }).total;
}
