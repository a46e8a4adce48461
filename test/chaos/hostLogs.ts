import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorCode } from '../../src/lib/errors';
import { hostNames } from './system';

/** With what a batch may fail here: storage was spoilt, both hosts committed at once, or the broker was away. */
const explained: ReadonlySet<string> = new Set([
  'storage.unavailable',
  'delta.contention',
  'hub.unavailable',
] satisfies ErrorCode[]);

/** How the Event Hubs SDK says that the service is away; its errors have no code of ours. */
const hubIsAway =
  /\b(?:ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT)\b|operation was aborted|disconnected|timed? ?out|amqp:/i;

export interface HostLogs {
  /** Loads of the warehouse that ended, one way or the other. */
  readonly loads: number;
  /** Events that came again, and that were left out. */
  readonly trimmedEvents: number;
  readonly failedBatches: number;
  /** The failed batches that no injected fault explains. */
  readonly problems: readonly string[];
}

/** Reads what the hosts have said so far. */
export function readHostLogs(logDir: string): HostLogs {
  const logs = hostNames.map((name) => readFileSync(join(logDir, `${name}.log`), 'utf8'));
  return judgeHostLogs(logs.join('\n'));
}

export function judgeHostLogs(log: string): HostLogs {
  const linesOf = (event: string) => log.split('\n').filter((line) => line.includes(`"event":"${event}"`));
  const trimmed = linesOf('round').map((line) => Number(/"duplicates":(\d+)/.exec(line)?.[1] ?? 0));
  const failed = linesOf('batch-failed');
  const unexplained = Map.groupBy(
    failed.filter((line) => !isExplained(line)),
    codeOf,
  );
  return {
    loads: linesOf('load').length,
    trimmedEvents: trimmed.reduce((sum, count) => sum + count, 0),
    failedBatches: failed.length,
    problems: [...unexplained].map(
      ([code, lines]) =>
        `${lines.length} batches failed with ${code}, which no injected fault explains, the first: ${lines[0]}`,
    ),
  };
}

const codeOf = (line: string) => /"code":"([^"]*)"/.exec(line)?.[1] ?? 'no code';

const isExplained = (line: string) =>
  explained.has(codeOf(line)) || (codeOf(line) === 'unknown' && hubIsAway.test(line));
