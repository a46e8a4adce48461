import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorCode } from '../../src/lib/errors';
import { hostNames } from './hosts';

/** Codes with which a batch may fail here: storage failed, both hosts committed at once, or the broker was away. */
const explained: ReadonlySet<string> = new Set([
  'storage.unavailable',
  'delta.contention',
  'hub.unavailable',
] satisfies ErrorCode[]);

/** Further codes with which a batch may fail from a rollback of the lake until its repair. */
const explainedByRollback: ReadonlySet<string> = new Set([
  'delta.hole',
  'delta.invalid',
  'parquet.invalid',
  'ingest.gap',
] satisfies ErrorCode[]);

/** Errors of the Event Hubs SDK, or of a deadline around it, if the service is away. They have no code of ours. */
const hubIsAway =
  /\b(?:ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT)\b|operation was aborted|Failed to connect|No answer in|disconnected|timed? ?out|amqp:/i;

export interface HostLogs {
  /** Warehouse loads that ended, with or without success. */
  readonly loads: number;
  /** Redelivered events that were trimmed. */
  readonly trimmedEvents: number;
  readonly failedBatches: number;
  /** The failed batches that no injected fault explains. */
  readonly problems: readonly string[];
}

/** How many lines each process of the hosts has logged, by its file. */
export type LogPosition = ReadonlyMap<string, number>;

/** The part of the hosts' logs between two moments. */
export interface LogStretch {
  readonly from: LogPosition;
  readonly to: LogPosition;
}

/** Where the logs of the hosts end now. */
export function endOfHostLogs(logDir: string): LogPosition {
  return new Map(logFiles(logDir).map((file) => [file, readLines(logDir, file).length - 1]));
}

/** Reads the hosts' logs so far. `rollbacks` are the parts from each rollback of the lake until its repair. */
export function readHostLogs(logDir: string, rollbacks: readonly LogStretch[] = []): HostLogs {
  const usual: string[] = [];
  const rolledBack: string[] = [];
  for (const file of logFiles(logDir))
    for (const [index, line] of readLines(logDir, file).entries())
      (isWithin(rollbacks, file, index) ? rolledBack : usual).push(line);
  return judgeHostLogs(usual.join('\n'), rolledBack.join('\n'));
}

/** @param rolledBack the parts of the logs from rollbacks until their repair */
export function judgeHostLogs(usual: string, rolledBack = ''): HostLogs {
  const linesOf = (event: string, log = `${usual}\n${rolledBack}`) =>
    log.split('\n').filter((line) => line.includes(`"event":"${event}"`));
  const trimmed = linesOf('round').map((line) => Number(/"duplicates":(\d+)/.exec(line)?.[1] ?? 0));
  const unexplained = Map.groupBy(
    [
      ...linesOf('batch-failed', usual).filter((line) => !isExplained(line)),
      ...linesOf('batch-failed', rolledBack).filter(
        (line) => !isExplained(line) && !explainedByRollback.has(codeOf(line)),
      ),
    ],
    codeOf,
  );
  return {
    loads: linesOf('load').length,
    trimmedEvents: trimmed.reduce((sum, count) => sum + count, 0),
    failedBatches: linesOf('batch-failed').length,
    problems: [...unexplained].map(
      ([code, lines]) =>
        `${lines.length} batches failed with ${code}, which no injected fault explains, the first: ${lines[0]}`,
    ),
  };
}

/** A host has one log, or one for each of its scale groups, like `one-http.log`. */
const logFiles = (logDir: string) =>
  readdirSync(logDir).filter((file) =>
    hostNames.some((name) => new RegExp(`^${name}(-\\w+)?\\.log$`).test(file)),
  );

const readLines = (logDir: string, file: string) => readFileSync(join(logDir, file), 'utf8').split('\n');

const isWithin = (stretches: readonly LogStretch[], file: string, line: number) =>
  stretches.some(({ from, to }) => line >= (from.get(file) ?? 0) && line < (to.get(file) ?? 0));

const codeOf = (line: string) => /"code":"([^"]*)"/.exec(line)?.[1] ?? 'no code';

const isExplained = (line: string) =>
  explained.has(codeOf(line)) || (codeOf(line) === 'unknown' && hubIsAway.test(line));
