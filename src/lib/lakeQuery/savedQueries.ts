import type { Stream } from '../streams/stream';
import { viewText, type WarehouseView } from '../streams/warehouseView';
import { quoteName, viewWords } from '../warehouse/duckdb/tables';

/*
 * Queries that have names. Each is also a view, so that other queries can use it.
 */

export interface SavedQuery {
  readonly name: string;
  /** What it shows, for people. */
  readonly meaning: string;
  /** The Delta table that it reads. */
  readonly table: string;
  /** The statement that its view holds. */
  readonly select: string;
  /** The statement that is run for its name. */
  readonly statement: string;
}

interface Description {
  readonly meaning: string;
  readonly orderBy: string;
}

/** How the views of the streams are shown. One that is not here is shown as it comes. */
const descriptions: Readonly<Record<string, Description>> = {
  clicks_per_product: {
    meaning: 'the clicks of each product, and the category that came last; most clicked first',
    orderBy: 'clicks DESC, productid',
  },
  clicks_per_category: {
    meaning: 'the clicks of each category, and how many products were clicked in it; most clicked first',
    orderBy: 'clicks DESC, category',
  },
  clicks_per_session: {
    meaning:
      'each session with its first and last click, seconds, clicks, first and last product; longest first',
    orderBy: 'seconds DESC NULLS LAST, clicks DESC, sessionid',
  },
  newest_assets: {
    meaning: 'the newest price of each asset; the largest market first',
    orderBy: '"marketCapUsd" DESC NULLS LAST, id',
  },
};

/** Those that the warehouse has no view for, by Delta table. */
const more: Readonly<Record<string, readonly WarehouseView[]>> = {
  clicks: [
    {
      name: 'clicks_per_category',
      select:
        'SELECT category, {count} AS clicks, COUNT(DISTINCT productid) AS products FROM {table} GROUP BY category',
    },
  ],
};

/** The saved queries of some streams: those of the warehouse's views, and some more. */
export const savedQueries = (streams: readonly Stream[]): SavedQuery[] =>
  streams.flatMap(({ table, warehouse }) =>
    [...(warehouse?.views ?? []), ...(more[table] ?? [])].map((view) => savedQuery(table, view)),
  );

function savedQuery(table: string, view: WarehouseView): SavedQuery {
  const { meaning = `the view ${view.name} of the warehouse`, orderBy } = descriptions[view.name] ?? {};
  const order = orderBy === undefined ? '' : ` ORDER BY ${orderBy}`;
  return {
    name: view.name,
    meaning,
    table,
    select: viewText(view, viewWords(quoteName(table))),
    statement: `SELECT * FROM ${quoteName(view.name)}${order}`,
  };
}
