/** The words of a view's text that differ between the databases. */
export interface ViewWords {
  /** The text for `{table}`: the table's name, quoted. */
  readonly table: string;
  /** The text for `{count}`: the number of rows, in a type that is large enough for any. */
  readonly count: string;
  /** The text for `{milliseconds}`: the beginning of a call with two times, like `f(`. */
  readonly milliseconds: string;
}

/**
 * A view on a table of the warehouse, for people. The text must mean the same in T-SQL and in DuckDB. So names that are words of the
 * language are in double quotes. Nulls are put in order by CASE, because they come first in one and last in the other.
 */
export interface WarehouseView {
  /** The name, in the schema of the table. */
  readonly name: string;
  readonly select: string;
}

export const viewText = ({ select }: WarehouseView, words: ViewWords): string =>
  select.replace(/\{(table|count|milliseconds)\}/g, (_, word: keyof ViewWords) => words[word]);

/** The number of clicks of each product. Its category is the one that came last; clicks without a category do not change it. */
export const clicksPerProduct: WarehouseView = {
  name: 'clicks_per_product',
  select: `SELECT productid, category, clicks
FROM (
  SELECT productid, category,
    {count} OVER (PARTITION BY productid) AS clicks,
    ROW_NUMBER() OVER (
      PARTITION BY productid
      ORDER BY CASE WHEN category IS NULL THEN 1 ELSE 0 END, enqueued_at DESC, category DESC
    ) AS place
  FROM {table}
) AS ranked
WHERE place = 1`,
};

/** The clicks of each session in the order of their times. */
export const clicksPerSession: WarehouseView = {
  name: 'clicks_per_session',
  select: `SELECT sessionid,
  MIN("timestamp") AS first_click,
  MAX("timestamp") AS last_click,
  {milliseconds}MIN("timestamp"), MAX("timestamp")) / 1000.0 AS seconds,
  {count} AS clicks,
  MAX(CASE WHEN from_first = 1 THEN productid END) AS first_product,
  MAX(CASE WHEN from_last = 1 THEN productid END) AS last_product
FROM (
  SELECT sessionid, "timestamp", productid,
    ROW_NUMBER() OVER (
      PARTITION BY sessionid
      ORDER BY CASE WHEN "timestamp" IS NULL THEN 1 ELSE 0 END, "timestamp", hub_partition, sequence_number, element
    ) AS from_first,
    ROW_NUMBER() OVER (
      PARTITION BY sessionid
      ORDER BY CASE WHEN "timestamp" IS NULL THEN 1 ELSE 0 END, "timestamp" DESC, hub_partition DESC, sequence_number DESC, element DESC
    ) AS from_last
  FROM {table}
  WHERE sessionid IS NOT NULL
) AS ordered
GROUP BY sessionid`,
};

/** The newest price of each asset. */
export const newestAssets: WarehouseView = {
  name: 'newest_assets',
  select: `SELECT id, symbol, asset_name, "priceUsd", "marketCapUsd", runtime_timestamp
FROM (
  SELECT id, symbol, asset_name, "priceUsd", "marketCapUsd", runtime_timestamp,
    ROW_NUMBER() OVER (
      PARTITION BY id
      ORDER BY runtime_timestamp DESC, CASE WHEN "priceUsd" IS NULL THEN 1 ELSE 0 END, "priceUsd" DESC
    ) AS age
  FROM {table}
) AS history
WHERE age = 1`,
};
