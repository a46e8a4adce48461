import { describeFailure, TributaryError } from '../src/lib/errors';
import type { Health, PartitionFailure, StreamHealth } from '../src/lib/health/health';
import { ingestRemedy, type Remedy, resetRemedy, stuckRemedy } from '../src/lib/health/remedies';
import type { Stream } from '../src/lib/streams/stream';
import { fullName } from '../src/lib/warehouse/warehouse';
import { askPart } from './askPart';

/*
 * Says in words what a stream waits for. GET /api/health says it in codes.
 */

/** The reasons why a stream makes no progress. */
export interface Waits {
  readonly reasons: readonly string[];
  /** The things that a person must do, if the stream makes no progress otherwise. */
  readonly remedies: readonly string[];
  /** True if the reasons will last; others may pass. */
  readonly isFailing: boolean;
}

export const noWaits: Waits = { reasons: [], remedies: [], isFailing: false };

/** Adds the reasons and what to do to a sentence that has no full stop yet. */
export function withWaits(sentence: string, { reasons, remedies }: Waits): string {
  const why = reasons.length === 0 ? '; see .local/logs' : `: ${reasons.join('; ')}`;
  const mend = remedies.length === 0 ? '' : ` To mend it: ${remedies.join('; then ')}.`;
  return `${sentence}${why}.${mend}`;
}

/** Asks the API what a stream waits for. Never rejects. */
export async function askWaits(apiUrl: string, stream: Stream): Promise<Waits> {
  try {
    const { body } = await askPart('the Functions host', `${apiUrl}/api/health`);
    return describeWaits(body as Health, stream);
  } catch {
    return { ...noWaits, reasons: [`${apiUrl}/api/health, which would know why, gives no answer`] };
  }
}

/** The reasons in a health for one stream, and for the table of the warehouse that it is loaded into. */
export function describeWaits({ error, streams, warehouse }: Health, stream: Stream): Waits {
  const own = streams.find(({ stream: name }) => name === stream.name);
  const table = stream.warehouse && fullName(stream.warehouse);
  const loaded = warehouse.tables.find((each) => each.table === table);
  const reasons = [
    ...(error === undefined ? [] : [`the app says ${coded(error)}`]),
    ...(own ? streamReasons(own) : []),
    ...(warehouse.error === undefined || loaded || own?.problems.some(({ code }) => code === warehouse.error)
      ? []
      : [`how far the warehouse is cannot be told: ${coded(warehouse.error)}`]),
    ...(loaded?.needsRebuild ? [`${table} needs a rebuild: ${loaded.reason ?? 'its log is gone'}`] : []),
    ...(loaded?.error === undefined
      ? []
      : [`the last load into ${table} failed with ${coded(loaded.error)}`]),
  ];
  const commands = describeRemedies([
    ...(own ? [...remediesOf([...own.problems, ...own.failures]), ...stuckRemedies(own)] : []),
    ...remediesOf(loaded ? [loaded] : []),
  ]);
  const isUnread = own !== undefined && silentOf(own).length === own.partitions.length;
  const remedies =
    commands.length === 0 && isUnread && own.partitions.length > 0
      ? ['end "npm start", and start it again']
      : commands;
  return {
    reasons,
    remedies,
    isFailing: own?.status === 'failing' || remedies.length > 0,
  };
}

/**
 * The reason if the API cannot count a stream's clicks although its health is good. Its process may have opened the table later than the
 * others, which had read it before it was damaged.
 * @param refusal what the API answered
 * @param cause why the table cannot be opened; undefined if it can be
 */
export function describeUncounted(stream: Stream, refusal: unknown, cause: unknown): Waits {
  const { code, retriable } = describeFailure(cause);
  const why = cause === undefined ? 'see .local/logs' : coded(code);
  const remedy = cause instanceof TributaryError ? ingestRemedy({ code: cause.code }, stream) : undefined;
  return {
    reasons: [`the clicks are not counted, because ${sentence(refusal)}: ${why}`],
    remedies: describeRemedies(remediesOf(remedy ? [{ remedy }] : [])),
    isFailing: cause !== undefined && !retriable,
  };
}

/** Why something cannot be read, in brackets. Empty if the reasons, which come after it, say the same about the table. */
export function unlessTold(error: unknown, { reasons }: Waits): string {
  const refusal = error instanceof TributaryError ? error.refusal : undefined;
  const isTold = refusal !== undefined && reasons.some((reason) => reason.includes(withoutEnd(refusal)));
  return isTold ? '' : ` (${sentence(error)})`;
}

/** An error as a part of a sentence: with its code, and without the full stop. */
export function sentence(error: unknown): string {
  const { code, message } = describeFailure(error);
  return `${code === 'unknown' ? '' : `${code}: `}${withoutEnd(message)}`;
}

const withoutEnd = (sentences: string): string => sentences.replace(/\.$/, '');

const sources: Readonly<Record<StreamHealth['problems'][number]['source'], string>> = {
  table: 'its table cannot be read',
  hub: 'the broker does not answer',
  deadLetters: 'the table dead_letters cannot be read',
};

function streamReasons(own: StreamHealth): string[] {
  const { stream, problems, failures, partitions } = own;
  const told = new Set(problems.map(({ code, refusal }) => why(code, refusal)));
  const silent = silentOf(own);
  return [
    ...problems.map(({ source, code, refusal }) => `${sources[source]}: ${why(code, refusal)}`),
    ...[...Map.groupBy(failures, ({ code }) => code).values()].map((group) => describeFailures(group, told)),
    ...(silent.length === 0
      ? []
      : [`no batch comes of ${describeSilent(stream, silent, partitions.length)}`]),
  ];
}

/** The stuck partitions from which no batch comes. */
function silentOf({ failures, partitions }: StreamHealth): StreamHealth['partitions'] {
  const failing = new Set(failures.map(({ partition }) => partition));
  return partitions.filter(
    ({ partition, stuckSince }) => stuckSince !== undefined && !failing.has(partition),
  );
}

/**
 * Describes partitions from which no batch comes. If several partitions are all silent, the app does not read at all, and health names no
 * command.
 */
function describeSilent(stream: string, silent: StreamHealth['partitions'], all: number): string {
  if (silent.some(({ remedy }) => remedy?.command === resetRemedy(stream).command))
    return `${silent.length < all ? named(silent) : 'any partition'}, as if the trigger had read positions of the hub that was there before this one`;
  if (silent.length === 1 || silent.length < all)
    return `${named(silent)}, as if ${silent.length === 1 ? 'it' : 'each'} had an event that the trigger cannot read, or as if nobody read ${silent.length === 1 ? 'it' : 'them'}; .local/logs/host.log may say which`;
  return 'any partition, as if nobody read the hub; .local/logs/host.log may say why';
}

/** @param told the reasons that come before these */
function describeFailures(failures: readonly PartitionFailure[], told: ReadonlySet<string>): string {
  const [{ code, refusal, since }] = failures as readonly [PartitionFailure];
  const reason = why(code, refusal);
  return `the batches of ${named(failures)} fail since ${since.slice(11, 19)} UTC${told.has(reason) ? ' for that reason' : `: ${reason}`}`;
}

function named(partitions: readonly Pick<PartitionFailure, 'partition'>[]): string {
  const ids = partitions.map(({ partition }) => partition);
  return ids.length === 1 ? `partition ${ids[0]}` : `partitions ${ids.join(', ')}`;
}

/** Why a table is refused, as a part of a sentence; if it is not refused, the code. */
const why = (code: string, refusal: string | undefined): string =>
  refusal === undefined ? coded(code) : withoutEnd(refusal);

/** A code, and where docs/errors.md explains it. */
const coded = (code: string): string =>
  code === 'unknown'
    ? 'an error without a code, see .local/logs'
    : `${code} (docs/errors.md#${code.replaceAll('.', '')})`;

/** A command to run, in quotes. If it must be run for several partitions, they follow it. */
interface Step extends Pick<Remedy, 'stopApp'> {
  readonly command: string;
}

const remediesOf = (parts: readonly { readonly remedy?: Remedy }[]): Step[] =>
  parts.flatMap(({ remedy }) => (remedy ? [{ ...remedy, command: `"${remedy.command}"` }] : []));

/** One step for all partitions that are stuck in the same way. */
function stuckRemedies({ stream, partitions }: StreamHealth): Step[] {
  const stuck = partitions.filter(({ remedy }) => remedy !== undefined);
  const commands = new Set(stuck.map(({ remedy }) => remedy?.command));
  if (commands.size < 2) return remediesOf(stuck);
  const { command, stopApp } = stuckRemedy(stream, 'PARTITION');
  return [{ command: `"${command}" for each of the ${named(stuck)}`, stopApp }];
}

/**
 * What a person must do, one step after the other. On this machine the broker and storage end with the app, but a command for which the app
 * must be stopped needs them. So all such commands are run while only the emulators run.
 */
function describeRemedies(steps: readonly Step[]): string[] {
  const commands = (stopApp: boolean) => [
    ...new Set(steps.filter((step) => step.stopApp === stopApp).map(({ command }) => command)),
  ];
  const stopped = commands(true).join(', then ');
  const recipe = `end "npm start", start "npm run emulators", run ${stopped} in a second terminal, end the emulators, and start again`;
  return [...(stopped === '' ? [] : [recipe]), ...commands(false).map((command) => `run ${command}`)];
}
