import { openAzureBlobStore } from '../src/lib/storage/azureBlobStore';
import { clickstream } from '../src/lib/streams/clickstream';
import { loadStreams } from '../src/lib/streams/loadStreams';
import type { Stream } from '../src/lib/streams/stream';
import { clicksOfTheApi, FiguresReader, warehouseRows } from './figures';
import type { Stack } from './stack';

/** How far one stream has come, as a line for people and as numbers to compare. */
export interface StreamProgress {
  readonly stream: Stream;
  /** For the status line. */
  status(): Promise<string>;
  /** What independent places say, which is one number once everything has arrived. */
  compare(): Promise<Comparison>;
}

export interface Comparison {
  readonly equal: boolean;
  /** Like `accepted 41,200 = rows 41,200`. */
  readonly line: string;
}

/** What an event of a stream is called. */
const nouns: Readonly<Record<string, string>> = { clickstream: 'clicks', coincap: 'assets' };

export const nounOf = ({ name }: Stream): string => nouns[name] ?? name;

const count = (value: number) => value.toLocaleString('en-US');

/** Follows every stream of a stack. The clickstream comes last, as its comparison is the last line of `npm start`. */
export async function followStreams(stack: Stack): Promise<StreamProgress[]> {
  const { LakeStorage = '', LAKE_CONTAINER = '' } = stack.settings;
  const store = await openAzureBlobStore({ connectionString: LakeStorage }, LAKE_CONTAINER);
  const streams = [...(await loadStreams())].sort(
    (a, b) => Number(a === clickstream) - Number(b === clickstream),
  );
  return streams.map((stream) => {
    const hub = stack.settings[stream.hubSetting] ?? '';
    const at = { store, table: stream.table };
    return followStream(stack, stream, new FiguresReader({ brokerUrl: stack.brokerUrl, hub, at }));
  });
}

function followStream(stack: Stack, stream: Stream, reader: FiguresReader): StreamProgress {
  const { warehouse } = stream;
  // A warehouse that fails shows as what it is, and at the end as a difference.
  const loaded = async () =>
    warehouse ? warehouseRows(stack.settings.WAREHOUSE, warehouse).catch(() => 0) : undefined;
  return {
    stream,
    async status() {
      const { accepted, ingested, rows, version } = await reader.read();
      const table = version < 0 ? 'no Delta table yet' : `Delta version ${version}`;
      const inWarehouse = version < 0 ? undefined : await loaded();
      return `${nounOf(stream)} ${count(accepted)} emitted, ${count(ingested)} ingested, ${count(rows)} rows, ${table}${
        inWarehouse === undefined ? '' : `, ${count(inWarehouse)} in the warehouse`
      }`;
    },
    async compare() {
      const { accepted, rows } = await reader.read();
      const inWarehouse = await loaded();
      const parts: [what: string, value: number][] = [
        ['accepted', accepted],
        ['rows', rows],
        ...(stream === clickstream
          ? [['clicks', await clicksOfTheApi(stack.apiUrl)] as [string, number]]
          : []),
        ...(inWarehouse === undefined ? [] : [['warehouse', inWarehouse] as [string, number]]),
      ];
      const sign = (value: number, index: number) => (index === 0 ? '' : value === accepted ? ' = ' : ' ≠ ');
      const line = parts
        .map(([what, value], index) => `${sign(value, index)}${what} ${count(value)}`)
        .join('');
      return {
        equal: parts.every(([, value]) => value === accepted),
        line: stream === clickstream ? line : `${nounOf(stream)}: ${line}`,
      };
    },
  };
}
