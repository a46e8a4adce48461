import type { Rebuilds } from './rebuilds';

/** With fewer kills, a run may miss a situation by chance. */
const leastKills = 10;

/** The situations that a run has put the system through. */
export interface Exercise {
  readonly kills: number;
  /** Freezes of a host in which partitions changed hands. */
  readonly movingFreezes: number;
  /** How often each command ran that repaired the effects of a rollback, by its name. */
  readonly remedies: Readonly<Record<string, number>>;
  /** Redelivered events that were trimmed. */
  readonly trimmedEvents: number;
  /** Events with forged annotations. */
  readonly forged: number;
  /** Storage faults by kind. */
  readonly injected: Readonly<Record<string, number>>;
  /** The number of warehouse loads that ended. */
  readonly loads: number;
  /** Rebuilds of the table while it was loaded: those that ended, and the processes of them that were killed. */
  readonly rebuilds: Rebuilds;
  /** How many totals each host's API answered, by host. */
  readonly totals: Readonly<Record<string, number>>;
}

/** Situations that a long run should have met but did not. Without them, passing would prove little. */
export function findUnexercised(exercise: Exercise): string[] {
  if (exercise.kills < leastKills) return [];
  const zeros = (counts: Readonly<Record<string, number>>) =>
    Object.keys(counts).filter((name) => counts[name] === 0);
  const missing = [
    ...(exercise.movingFreezes === 0 ? ['no partition of a frozen host changed hands'] : []),
    ...(exercise.trimmedEvents === 0 ? ['no redelivered event was left out'] : []),
    ...(exercise.forged === 0 ? ['no event had forged annotations'] : []),
    ...(exercise.loads === 0 ? ['nothing was loaded into the warehouse'] : []),
    ...(exercise.rebuilds.finished === 0 ? ['no table was rebuilt'] : []),
    ...(exercise.rebuilds.killed === 0 ? ['no rebuild was killed'] : []),
    ...zeros(exercise.remedies).map((name) => `the command ${name} mended nothing`),
    ...zeros(exercise.injected).map((kind) => `no storage request met the fault ${kind}`),
    ...zeros(exercise.totals).map((name) => `the API of host ${name} told no total`),
  ];
  return missing.map((what) => `The run exercised too little: ${what}.`);
}
