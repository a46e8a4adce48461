import type { SqlRow } from './engine';
import { type Expression, type Select, SqlError, type SqlValue } from './syntax';

/*
 * Evaluates COUNT and SUM, over all rows or by group.
 */

export interface Evaluation {
  evaluate(expression: Expression, row: SqlRow): SqlValue;
  cast(value: SqlValue, type: string): SqlValue;
}

export const isCount = (value: Expression | '*' | undefined): boolean =>
  value !== undefined && value !== '*' && value.kind === 'call' && value.name === 'COUNT';

function isAggregate(value: Expression | '*'): boolean {
  if (value === '*') return false;
  if (value.kind === 'cast') return isAggregate(value.value);
  return value.kind === 'call' && (value.name === 'COUNT' || value.name === 'SUM');
}

/** Whether a query returns one row per group, instead of one for each of its rows. */
export const isAggregated = ({ items, groupBy }: Select): boolean =>
  groupBy !== undefined || items.some(({ value }) => isAggregate(value));

/** One row per group. Without groups, one row even if there are no rows to aggregate. */
export function aggregate(select: Select, rows: readonly SqlRow[], query: Evaluation): SqlValue[][] {
  const { items, groupBy } = select;
  const groups = groupBy
    ? Map.groupBy(rows, (row) => JSON.stringify(groupBy.map((by) => String(query.evaluate(by, row)))))
    : new Map([['', [...rows]]]);
  const isGrouped = (name: string) => groupBy?.some((by) => by.kind === 'column' && by.name === name);
  const ofGroup = (expression: Expression, group: readonly SqlRow[]): SqlValue => {
    if (expression.kind === 'cast') return query.cast(ofGroup(expression.value, group), expression.type);
    if (expression.kind === 'column' && !isGrouped(expression.name))
      throw new SqlError(8120, `Column '${expression.name}' is not in an aggregate or in GROUP BY.`);
    if (isCount(expression)) return group.length;
    if (expression.kind === 'call' && expression.name === 'SUM')
      return sum(group.map((row) => (expression.args[0] ? query.evaluate(expression.args[0], row) : null)));
    return query.evaluate(expression, group[0] ?? {});
  };
  return [...groups.values()].map((group) =>
    items.map(({ value }) => {
      if (value === '*') throw new SqlError(8120, 'A star is not in an aggregate or in GROUP BY.');
      return ofGroup(value, group);
    }),
  );
}

/** The sum of whole numbers; NULL if there are none. */
function sum(values: readonly SqlValue[]): SqlValue {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce<bigint>((total, value) => total + BigInt(value), 0n);
}
