import type { Add, Commit } from './actions';
import { isReadable } from './protocol';

/**
 * The effect of a commit on the rows of its table:
 *
 * | effect | the commit | what counts and loaders must do |
 * |---|---|---|
 * | `append` | adds files with new rows, and removes no row | read the files |
 * | `rewrite` | removes or changes rows, makes the table another one, or turns on a feature that is not implemented | begin anew |
 * | `none` | moves txns, changes the schema, or writes the same rows into other files | go on |
 *
 * A missing `dataChange` counts as true: the protocol demands the field, and if it were taken for false, rows could be skipped.
 */
export type RowEffect =
  | { readonly effect: 'append'; readonly files: readonly Add[] }
  | { readonly effect: 'rewrite'; readonly reason: string }
  | { readonly effect: 'none' };

/** @param tableId id of the table before the commit */
export function effectOnRows({ adds, removes, metaData, protocol }: Commit, tableId: string): RowEffect {
  if (metaData && metaData.id !== tableId)
    return { effect: 'rewrite', reason: 'makes the table another one' };
  // The feature is off again by now, because otherwise the table could not be read. But files that were added meanwhile may need it.
  if (protocol && !isReadable(protocol))
    return { effect: 'rewrite', reason: 'turns on a feature that is not implemented' };
  if (removes.some(changesData)) return { effect: 'rewrite', reason: 'takes rows away' };
  const files = adds.filter(changesData);
  return files.length === 0 ? { effect: 'none' } : { effect: 'append', files };
}

/** Whether an action changes the rows, and not only the files that hold them. */
export const changesData = ({ dataChange }: { readonly dataChange?: boolean }): boolean =>
  dataChange !== false;
