import { partitionAppId } from '../lake/hubGeneration';
import type { HubEvent } from '../sources/readPartition';
import type { Stream } from '../streams/stream';
import type { HubFacts } from './admitBatch';
import { type DecodedEvent, decodeEvents, noRows } from './decodeEvents';
import type { TableWriter } from './tableWriter';

/*
 * Frees a partition that is stuck. The Event Hubs trigger cannot read an event whose AMQP body is not one data section: the batch fails
 * again and again before our code runs. The code here reads such events with the SDK, which can read them.
 */

/** After this many readable events in a row, the trigger is expected to go on. */
const readableRun = 1000;

export interface SkipOptions {
  readonly stream: Stream;
  readonly hub: string;
  readonly partitionId: string;
  readonly hubs: HubFacts & {
    /** The newest sequence number of a partition; -1 if it never had any. */
    lastSequenceNumber(hub: string, partitionId: string): Promise<number>;
  };
  readonly writer: TableWriter;
  /** The version of the partition's txn in the stream's table; undefined if nothing is committed. */
  readonly committed: (appId: string) => Promise<number | undefined>;
  /** Reads the events of the partition from `first` to `last`. */
  readonly read: (first: number, last: number) => AsyncIterable<readonly HubEvent[]>;
  /** Sets the trigger's position behind an event, so that it continues with the next one. */
  readonly move: (event: Pick<HubEvent, 'sequenceNumber' | 'offset'>) => Promise<void>;
}

export interface Skipped {
  /** How many events were committed in the ordinary way. */
  readonly readable: number;
  /** Sequence numbers of the events that became dead letters with the reason `unreadable`. */
  readonly unreadable: readonly number[];
  /** The sequence number at which the trigger continues; undefined if there was nothing to read. */
  readonly next: number | undefined;
}

/**
 * Commits the events of a partition that come after its txn; unreadable ones become dead letters. It ends when the trigger can go on: after
 * a thousand readable events in a row, or at the end that the hub had at the start. The trigger's position is moved after each commit. No
 * other reader should read the partition meanwhile; if one does, still no event becomes a row twice.
 * @throws what committing throws, `hub.*`
 */
export async function skipUnreadable(options: SkipOptions): Promise<Skipped> {
  const { stream, hub, partitionId, hubs, writer } = options;
  const generation = await hubs.refresh(hub);
  const [beginning, last] = await Promise.all([
    hubs.firstSequenceNumber(hub, partitionId),
    hubs.lastSequenceNumber(hub, partitionId),
  ]);
  const committed = await options.committed(partitionAppId(generation, partitionId));
  const first = Math.max(beginning, (committed ?? -1) + 1);
  const unreadable: number[] = [];
  let [readable, run, next] = [0, 0, undefined as number | undefined];
  if (first > last) return { readable, unreadable, next };
  for await (const events of options.read(first, last)) {
    const decoded = decodeHubEvents(stream, events);
    await writer.commit({ stream: stream.name, generation, partitionId, events: decoded });
    const end = events.at(-1);
    if (!end) continue;
    await options.move(end);
    next = end.sequenceNumber + 1;
    for (const { body, sequenceNumber } of events) {
      if (body) readable++;
      else unreadable.push(sequenceNumber);
      run = body ? run + 1 : 0;
    }
    if (run >= readableRun) break;
  }
  return { readable, unreadable, next };
}

function decodeHubEvents(stream: Stream, events: readonly HubEvent[]): DecodedEvent[] {
  return events.flatMap((event) => {
    const { body, sequenceNumber, enqueuedAt } = event;
    return body ? decodeEvents(stream, [{ body, sequenceNumber, enqueuedAt }]) : unreadableEvent(event);
  });
}

function unreadableEvent({ sequenceNumber, enqueuedAt, value }: HubEvent): DecodedEvent {
  const kind =
    value === undefined || value === null ? 'no body' : 'an AMQP body that is not one data section';
  const detail = `the event has ${kind}, which the trigger cannot read`;
  return {
    sequenceNumber,
    enqueuedAt,
    body: Buffer.from(bodyText(value)),
    ...noRows,
    rejected: [{ element: 0, reason: 'unreadable', detail }],
  };
}

/**
 * The body as text. A text stays as it is, and anything else becomes JSON. If the stream expects such JSON, a replay makes the letter a
 * row.
 */
function bodyText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  const plain = (_key: string, part: unknown) => {
    if (typeof part === 'bigint') return String(part);
    const bytes = part as { type?: unknown; data?: unknown } | null;
    // Bytes inside a list look like a Buffer in JSON. They become text.
    return bytes?.type === 'Buffer' && Array.isArray(bytes.data)
      ? Buffer.from(bytes.data as number[]).toString()
      : part;
  };
  return JSON.stringify(value, plain) ?? String(value);
}
