import type { Add } from '../delta/actions';

/** A bin counts only once it is committed, so it must fit into the time of a pass, however small its files. */
const mostFiles = 2000;

/**
 * Chooses the files to be rewritten together: those under half the target, in the order in which they were written, so
 * that a new file spans a short time and readers can skip it by its bounds. A file that outweighs all the others of its
 * bin stays out until they have grown: otherwise a table that gets a little an hour would be rewritten whole every hour.
 */
export function planBins(files: readonly Add[], targetBytes: number): Add[][] {
  const small = files
    .filter(({ size }) => size < targetBytes / 2)
    .sort((a, b) => a.modificationTime - b.modificationTime || (a.path < b.path ? -1 : 1));
  const bins: Add[][] = [];
  let bin: Add[] = [];
  let bytes = 0;
  for (const file of small) {
    if (bytes + file.size > targetBytes || bin.length === mostFiles) {
      bins.push(bin);
      bin = [];
      bytes = 0;
    }
    bin.push(file);
    bytes += file.size;
  }
  bins.push(bin);
  return bins.map(withoutHeavy).filter(({ length }) => length > 1);
}

function withoutHeavy(bin: readonly Add[]): Add[] {
  const bySize = bin.toSorted((a, b) => b.size - a.size);
  let rest = bin.reduce((sum, { size }) => sum + size, 0);
  const heavy = new Set<Add>();
  for (const file of bySize) {
    rest -= file.size;
    if (file.size <= rest) break;
    heavy.add(file);
  }
  return bin.filter((file) => !heavy.has(file));
}
