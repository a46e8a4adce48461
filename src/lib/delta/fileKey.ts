import type { Add, Remove } from './actions';

/**
 * The key of a file: its path and its deletion vector. Two actions with the same key are about the same file (PROTOCOL.md, "Action
 * Reconciliation"). A table that is readable here has no deletion vectors, but its log may still name those that it had before they were
 * turned off.
 */
export function fileKey(file: Add | Remove): string {
  if (!hasDeletionVector(file)) return file.path;
  const { path, deletionVector } = file;
  const { storageType, pathOrInlineDv, offset } = deletionVector as Readonly<Record<string, unknown>>;
  return `${path}\n${storageType}${pathOrInlineDv}${offset === undefined || offset === null ? '' : `@${offset}`}`;
}

export const hasDeletionVector = ({ deletionVector }: Add | Remove): boolean =>
  typeof deletionVector === 'object' && deletionVector !== null;
