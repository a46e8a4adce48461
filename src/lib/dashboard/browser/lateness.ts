import type { Health, StreamHealth } from './api.js';
import { element, formatAge, formatNumber, formatTime } from './elements.js';
import { fillRows } from './rows.js';

/** How old the newest commit may be before a stream counts as late. While events come, commits are only seconds apart. */
const lateAfterMs = 30_000;
const names: Readonly<Record<string, string>> = { clickstream: 'Clicks', coincap: 'Assets' };

/** Shows how current the numbers of each stream are. @param nowMs the server's clock */
export function showLateness(health: Health | undefined, nowMs: number): void {
  const lines = health ? describeLateness(health, nowMs) : [];
  const rows = lines.map(({ of, words, isLate }) => {
    const header = element('th', of);
    header.setAttribute('scope', 'row');
    return { key: of, header, cells: [element('td', words, isLate ? 'late' : '')] };
  });
  fillRows('lateness', rows, 2, 'Not known just now: the app does not say how it is.');
}

interface LatenessLine {
  readonly of: string;
  readonly words: string;
  readonly isLate: boolean;
}

/** How current each stream and the warehouse are, in plain words. */
export function describeLateness({ streams, error, warehouse }: Health, nowMs: number): LatenessLine[] {
  const lines = streams.map((stream) => ({
    of: names[stream.stream] ?? stream.stream,
    words: describeStream(stream, nowMs),
    isLate: stream.status !== 'ok' || isBehind(stream, nowMs),
  }));
  if (error !== undefined)
    lines.push({ of: 'Streams', words: `Not known: the app cannot tell (${error}).`, isLate: true });
  if (warehouse.kind === 'none') return lines;
  const isLate = warehouse.status !== 'ok';
  return [...lines, { of: 'Warehouse', words: describeWarehouse(warehouse, isLate), isLate }];
}

const ageOf = ({ lastCommit }: StreamHealth, nowMs: number) =>
  lastCommit === null ? Number.POSITIVE_INFINITY : nowMs - Date.parse(lastCommit);

const isBehind = (stream: StreamHealth, nowMs: number) =>
  (stream.waiting ?? 0) > 0 && ageOf(stream, nowMs) > lateAfterMs;

function describeStream(stream: StreamHealth, nowMs: number): string {
  const { failures, partitions, lettersLastHour, lastCommit } = stream;
  const sentences = [describeWaiting(stream, nowMs)];
  if (lastCommit !== null)
    sentences.push(`The newest were committed ${formatAge(ageOf(stream, nowMs))} ago.`);
  const [failure] = failures;
  if (failure)
    sentences.push(
      `${formatNumber(failures.length)} of ${formatNumber(Math.max(partitions.length, failures.length))} parts of the stream cannot be read since ${formatTime(Date.parse(failure.since))} (${failure.code}); nothing of them is lost. Tell whoever runs the app.`,
    );
  else if (partitions.some(({ stuckSince }) => stuckSince !== undefined))
    sentences.push('A part of the stream stands still. Tell whoever runs the app.');
  if (lettersLastHour !== null && lettersLastHour > 0)
    sentences.push(
      `${formatNumber(lettersLastHour)} events of the last hour could not be read and are put aside.`,
    );
  return sentences.join(' ');
}

function describeWaiting(stream: StreamHealth, nowMs: number): string {
  const { waiting, lastCommit } = stream;
  if (waiting === null) return 'How late it is, is not known just now.';
  if (waiting === 0)
    return lastCommit === null ? 'Nothing has come yet.' : 'Up to date: all that came is counted in.';
  const wait = `${formatNumber(waiting)} ${waiting === 1 ? 'event has' : 'events have'} come and ${waiting === 1 ? 'is' : 'are'} not counted in yet`;
  return isBehind(stream, nowMs) ? `Late: ${wait}.` : `On time: ${wait}, which takes a few seconds.`;
}

/** Describes how current the warehouse is. The loaders follow the commits, so their report may be about an earlier moment than the page. */
function describeWarehouse({ tables, error }: Health['warehouse'], isLate: boolean): string {
  const behind = Math.max(0, ...tables.map(({ secondsBehind }) => secondsBehind ?? 0));
  const rebuild = tables.filter(({ needsRebuild }) => needsRebuild).map(({ table }) => table);
  if (rebuild.length > 0) return `${rebuild.join(', ')} must be rebuilt. Tell whoever runs the app.`;
  if (error !== undefined) return `Not known just now (${error}).`;
  const words = behind < 1 ? 'Up to date with the lake.' : `${formatAge(behind * 1000)} behind the lake.`;
  return isLate ? `Late: ${words}` : words;
}
