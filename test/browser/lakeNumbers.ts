import { LakeDatabase } from '../../src/lib/lakeQuery/lakeDatabase';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import type { Answer } from './apiAnswers';

export type Value = string | number | null;

/** A time; `from` is part of it, `to` is not. Without them all time. */
export type Time = Pick<Answer, 'from' | 'to'>;

/** Queries by DuckDB over the Parquet files of a table, at a version. */
export class LakeNumbers {
  readonly #lake: LakeDatabase;
  readonly #signal = new AbortController().signal;
  #version: number | undefined;

  private constructor(lake: LakeDatabase) {
    this.#lake = lake;
  }

  static async open(store: ObjectStore, table: string): Promise<LakeNumbers> {
    return new LakeNumbers(await LakeDatabase.open({ tables: [{ store, table }], saved: [] }));
  }

  close = (): Promise<void> => this.#lake.close();

  /** The rows of a query at the version that an answer names. */
  async rows({ version }: Pick<Answer, 'version'>, sql: string): Promise<Value[][]> {
    if (version !== this.#version)
      await this.#lake.load(sql, { version, isWhole: true, signal: this.#signal });
    this.#version = version;
    const { columns, rows } = await this.#lake.select(sql, this.#signal);
    const all: Value[][] = [];
    for await (const some of rows())
      for (const row of some)
        all.push(
          columns.map(({ isNumber }, index) => {
            const value = row[index] ?? null;
            return value === null ? null : isNumber ? Number(value) : String(value);
          }),
        );
    return all;
  }

  async row(answer: Pick<Answer, 'version'>, sql: string): Promise<Value[]> {
    return (await this.rows(answer, sql))[0] ?? [];
  }
}

/** A time in a statement. */
export const literal = (time: string) => `TIMESTAMP '${time.replace('Z', '')}'`;

export const inTime = ({ from, to }: Time): string =>
  from === undefined || to === undefined
    ? 'true'
    : `enqueued_at >= ${literal(from)} AND enqueued_at < ${literal(to)}`;

/** Clicks by product. */
const perProduct = (time: Time): string =>
  `(SELECT productid, count(*) AS clicks FROM clicks WHERE ${inTime(time)} GROUP BY productid)`;

/** The category of a product is the one that came last, whatever the time. */
const categories =
  '(SELECT productid, arg_max(category, sequence_number) AS category FROM clicks GROUP BY productid)';

const isOf = (category: number | undefined): string =>
  category === undefined ? 'true' : `category = ${category}`;

/** Products with category and clicks. */
export const productsIn = (time: Time, category?: number): string =>
  `(SELECT productid, category, clicks FROM ${perProduct(time)} JOIN ${categories} USING (productid) WHERE ${isOf(category)})`;

/** Products with category, clicks in a time, and those in another one. */
export const changesIn = (now: Time, before: Time, category?: number): string =>
  `(SELECT productid, category, coalesce(n.clicks, 0) AS clicks, coalesce(b.clicks, 0) AS before
    FROM ${perProduct(now)} AS n FULL JOIN ${perProduct(before)} AS b USING (productid) JOIN ${categories} USING (productid)
    WHERE ${isOf(category)})`;

/** The number of each bucket since the beginning of the time, and the clicks in it, if there are any. */
export const bucketsIn = (time: Required<Time>, bucketMs: number, category?: number, product?: number) =>
  `SELECT (epoch_ms(enqueued_at) - ${Date.parse(time.from)}) // ${bucketMs} AS bucket, count(*) AS clicks
    FROM (SELECT productid, enqueued_at FROM clicks WHERE ${inTime(time)}) JOIN ${categories} USING (productid)
    WHERE ${isOf(category)} AND ${product === undefined ? 'true' : `productid = ${product}`} GROUP BY bucket`;
