import type { Stream } from '../streams/stream';
import { viewText, type WarehouseView } from '../streams/warehouseView';
import { quoteName, viewWords } from '../warehouse/duckdb/tables';

/*
 * Queries with names. Each is also a view, so that other queries can use it.
 */

export interface SavedQuery {
  readonly name: string;
  /** The meaning of the query, in words. */
  readonly meaning: string;
  /** The name of the Delta table that it reads. */
  readonly table: string;
  /** The statement of its view. */
  readonly select: string;
  /** The statement that is run when somebody asks for the query by its name. */
  readonly statement: string;
}

interface Description {
  readonly meaning: string;
  readonly orderBy: string;
}

/** The meaning and the order of the streams' views. A view that is not in the list is shown without an order. */
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

/** By Delta table, further queries that are no views of the warehouse. */
const more: Readonly<Record<string, readonly WarehouseView[]>> = {
  clicks: [
    {
      name: 'clicks_per_category',
      select:
        'SELECT category, {count} AS clicks, COUNT(DISTINCT productid) AS products FROM {table} GROUP BY category',
    },
  ],
};

/** The saved queries of these streams: the warehouse's views, and some more. */
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
