import type { Add } from '../delta/actions';

/** The most files of a bin. A bin must be committed within one pass, even if it has many small files. */
const mostFiles = 2000;

/**
 * Chooses the files to be rewritten together. These are files under half the target size, in the order in which they were written, so that
 * a new file spans a short time and readers can skip it by its bounds. A file that is larger than all others of its bin together is left
 * out until they have grown. Otherwise a table that gets a few rows an hour would be rewritten completely every hour.
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
