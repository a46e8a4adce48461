/*
 * The T-SQL that the server understands, as a syntax tree.
 */

export class SqlError extends Error {
  constructor(
    readonly number: number,
    message: string,
  ) {
    super(message);
  }
}

export type SqlValue = string | number | bigint | null;

export type Expression =
  | { readonly kind: 'constant'; readonly value: SqlValue }
  | { readonly kind: 'column'; readonly name: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'cast'; readonly value: Expression; readonly type: string }
  | { readonly kind: 'concat'; readonly parts: readonly Expression[] }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'query'; readonly select: Select };

export type Condition =
  | {
      readonly kind: 'compare';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'exists'; readonly select: Select }
  | { readonly kind: 'not'; readonly condition: Condition }
  | { readonly kind: 'null'; readonly value: Expression }
  | { readonly kind: 'and' | 'or'; readonly conditions: readonly Condition[] };

export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly identity: boolean;
  readonly nullable: boolean;
  /** The collation; undefined for that of the database. */
  readonly collation: string | undefined;
}

/** The options of a table in a dedicated pool, as they are written. */
export interface Layout {
  readonly distribution: string;
  readonly index: string;
}

export interface Select {
  readonly items: readonly { readonly value: Expression | '*'; readonly name: string }[];
  readonly from: string | undefined;
  /** The arguments, if it is a function that returns rows. */
  readonly args?: readonly Expression[] | undefined;
  readonly where: Condition | undefined;
  readonly groupBy?: readonly Expression[] | undefined;
}

export type Statement =
  | { readonly kind: 'set'; readonly words: readonly string[] }
  | { readonly kind: 'begin' | 'commit' | 'rollback' }
  | { readonly kind: 'block'; readonly body: readonly Statement[] }
  | {
      readonly kind: 'if';
      readonly condition: Condition;
      readonly body: Statement;
      readonly otherwise: Statement | undefined;
    }
  | { readonly kind: 'declare'; readonly name: string; readonly value: Expression }
  | { readonly kind: 'select'; readonly select: Select }
  | {
      readonly kind: 'update';
      readonly table: string;
      readonly set: readonly (readonly [string, Expression])[];
      readonly where: Condition | undefined;
    }
  | {
      readonly kind: 'delete';
      readonly table: string;
      readonly where: Condition | undefined;
      /** True if the whole table is locked. */
      readonly isTableLocked: boolean;
    }
  | {
      readonly kind: 'insert';
      readonly table: string;
      readonly columns: readonly string[];
      readonly selects: readonly Select[];
    }
  | {
      /** An INSERT BULK. Its rows are in the next message. */
      readonly kind: 'insertBulk';
      readonly table: string;
      readonly columns: readonly { readonly name: string; readonly type: string }[];
      readonly options: readonly string[];
    }
  | {
      readonly kind: 'createTable';
      readonly table: string;
      readonly columns: readonly ColumnDefinition[];
      readonly primaryKey: readonly string[] | undefined;
      readonly layout: Layout | undefined;
    }
  | { readonly kind: 'addKey'; readonly table: string; readonly columns: readonly string[] }
  | { readonly kind: 'addColumns'; readonly table: string; readonly columns: readonly ColumnDefinition[] }
  | {
      readonly kind: 'grant';
      readonly state: string;
      readonly permission: string;
      readonly table: string;
      /** The name of a column, if the right is on that column only. */
      readonly column: string | undefined;
      readonly grantee: string;
    }
  | { readonly kind: 'createSchema'; readonly schema: string }
  | { readonly kind: 'createView'; readonly view: string }
  | { readonly kind: 'drop'; readonly table: string }
  | {
      readonly kind: 'rename';
      readonly table: string;
      readonly to: string;
      readonly by: 'statement' | 'procedure';
    }
  | { readonly kind: 'execute'; readonly text: string }
  | {
      readonly kind: 'copy';
      readonly table: string;
      readonly columns: readonly string[];
      readonly url: string;
    };
