/** Which orchestrations a host goes on with, by the version with which they were started (host.json, versionMatchStrategy). */
export const versionStrategies = ['None', 'Strict', 'CurrentOrOlder'] as const;
export type VersionStrategy = (typeof versionStrategies)[number];

/**
 * Whether a host with the version `own` may go on with an orchestration of the version `other`. A host without a version goes on with
 * all; an orchestration without one is the oldest.
 */
export function accepts(
  strategy: VersionStrategy,
  own: string | undefined,
  other: string | undefined,
): boolean {
  if (strategy === 'None' || own === undefined) return true;
  const order = compareVersions(own, other ?? '');
  return strategy === 'Strict' ? order === 0 : order >= 0;
}

/** Compares versions like `1.10` number by number, and other text as text. */
function compareVersions(a: string, b: string): number {
  if (![a, b].every((text) => /^\d+(\.\d+)*$/.test(text))) return a < b ? -1 : a > b ? 1 : 0;
  const [ofA = [], ofB = []] = [a, b].map((text) => text.split('.').map(Number));
  for (let i = 0; i < Math.max(ofA.length, ofB.length); i++) {
    const difference = (ofA[i] ?? 0) - (ofB[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
