/*
 * What Flex Consumption bills for functions, from the log of a local host that ran one scale group.
 */

/** One execution of a function; times in milliseconds since 1970. */
export interface Execution {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** The shortest time, in milliseconds, that is billed when an instance begins to execute. Beyond it, time is billed in steps. */
const leastBilledMs = 1000;
const billedStepMs = 100;

/** The executions in the log of a local host with the level Debug. */
export function executionsOf(log: string): Execution[] {
  return [...log.matchAll(/^\[([^\]]+)\] DEBUG (\w+): executed in (\d+) ms$/gm)].map(
    ([, at = '', name = '', ms]) => {
      const to = Date.parse(at);
      return { name, from: to - Number(ms), to };
    },
  );
}

const roundUp = (ms: number) => Math.ceil(ms / billedStepMs) * billedStepMs;

/** The parts of executions that lie in a span of time. */
export function inSpan(executions: readonly Execution[], from: number, to: number): Execution[] {
  return executions
    .filter((one) => one.to > from && one.from < to)
    .map((one) => ({ ...one, from: Math.max(one.from, from), to: Math.min(one.to, to) }));
}

/**
 * The seconds for which one instance is billed: those in which it executes anything. Executions at the same time are billed once. The
 * shortest time is applied to each such stretch, not to each execution. That is this project's reading of Microsoft's documentation.
 */
export function billedSeconds(executions: readonly Execution[]): number {
  let total = 0;
  let begin = Number.NEGATIVE_INFINITY;
  let end = Number.NEGATIVE_INFINITY;
  const close = () => {
    if (end > Number.NEGATIVE_INFINITY) total += Math.max(leastBilledMs, roundUp(end - begin));
  };
  for (const { from, to } of executions.toSorted((a, b) => a.from - b.from)) {
    if (from > end) {
      close();
      begin = from;
    }
    end = Math.max(end, to);
  }
  close();
  return total / 1000;
}
