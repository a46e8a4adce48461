import type { Parts } from './fileParts';

/*
 * Finds what a statement reads, as far as its syntax tree shows it before it is run.
 */

/** The names of tables anywhere in a syntax tree, in lower case. */
export function tablesIn(tree: unknown): Set<string> {
  const names = new Set<string>();
  visit(tree, (node) => {
    if (typeof node.table_name === 'string') names.add(node.table_name.toLowerCase());
  });
  return names;
}

/**
 * The columns that a statement may read: every name in its syntax tree, in lower case, or all columns. A statement can read columns that it
 * does not name, as with a natural join. This is noticed when it is run, because columns that were not copied cannot be read.
 */
export function columnsIn(tree: unknown): Parts {
  const names = new Set<string>();
  let isAll = false;
  visit(tree, (node) => {
    // With TRY, a statement would not fail if a column was not copied, so all columns are copied.
    if (node.class === 'STAR' || node.type === 'OPERATOR_TRY') isAll = true;
    for (const value of Object.values(node).flat())
      if (typeof value === 'string') names.add(value.toLowerCase());
  });
  return isAll ? 'all' : names;
}

function visit(node: unknown, look: (node: Readonly<Record<string, unknown>>) => void): void {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) look(node as Readonly<Record<string, unknown>>);
  for (const child of Object.values(node)) visit(child, look);
}
