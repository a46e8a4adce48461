/** With fewer kills a run may miss some of it by chance. */
const leastKills = 10;

/** What a run has put the system through while things broke. */
export interface Exercise {
  readonly kills: number;
  /** Freezes of a host in which partitions changed hands. */
  readonly movingFreezes: number;
  /** Commands that mended what came of the lake's going back in time, by name: how often each ran. */
  readonly remedies: Readonly<Record<string, number>>;
  /** Redelivered events that were left out. */
  readonly trimmedEvents: number;
  /** Storage faults by kind. */
  readonly injected: Readonly<Record<string, number>>;
  /** Loads of the warehouse that ended, and connections of loaders that broke at a commit. */
  readonly loads: number;
  /** Totals that each host's API told, by host. */
  readonly totals: Readonly<Record<string, number>>;
}

/** What a run that is long enough should have met and did not: then its passing would say little. */
export function findUnexercised(exercise: Exercise): string[] {
  if (exercise.kills < leastKills) return [];
  const zeros = (counts: Readonly<Record<string, number>>) =>
    Object.keys(counts).filter((name) => counts[name] === 0);
  const missing = [
    ...(exercise.movingFreezes === 0 ? ['no partition of a frozen host changed hands'] : []),
    ...(exercise.trimmedEvents === 0 ? ['no redelivered event was left out'] : []),
    ...(exercise.loads === 0 ? ['nothing was loaded into the warehouse'] : []),
    ...zeros(exercise.remedies).map((name) => `the command ${name} mended nothing`),
    ...zeros(exercise.injected).map((kind) => `no storage request met the fault ${kind}`),
    ...zeros(exercise.totals).map((name) => `the API of host ${name} told no total`),
  ];
  return missing.map((what) => `The run exercised too little: ${what}.`);
}
