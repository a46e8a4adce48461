import { count, quantity } from '../src/lib/quantity';
import { openAzureBlobStore } from '../src/lib/storage/azureBlobStore';
import { clickstream } from '../src/lib/streams/clickstream';
import { loadStreams } from '../src/lib/streams/loadStreams';
import type { Stream } from '../src/lib/streams/stream';
import { clicksOfTheApi, FiguresReader, LetterCounter, warehouseRows } from './figures';
import type { Stack } from './stack';

/** The progress of one stream, as a line for people and as numbers to compare. */
export interface StreamProgress {
  readonly stream: Stream;
  /** The stream's part of the status line. */
  status(): Promise<string>;
  /** Compares the numbers of independent places. They are equal once everything has arrived. */
  compare(): Promise<Comparison>;
}

export interface Comparison {
  /** Whether the table has all accepted events, and counts and warehouse have all rows of the table. */
  readonly equal: boolean;
  /**
   * Like `accepted 41,200 = rows 41,200 = clicks 41,200` if each event is one row; otherwise like
   * `accepted 41,201 = ingested 41,201, rows 41,200 = clicks 41,200, 1 dead letter`.
   */
  readonly line: string;
}

/** The word for the events of a stream: the name of its table. */
export const nounOf = ({ table }: Stream): string => table;

/** Follows every stream of a stack. The clickstream comes last, because its comparison is the last line of `npm start`. */
export async function followStreams(stack: Stack): Promise<StreamProgress[]> {
  const { LakeStorage = '', LAKE_CONTAINER = '' } = stack.settings;
  const store = await openAzureBlobStore({ connectionString: LakeStorage }, LAKE_CONTAINER);
  const streams = [...(await loadStreams())].sort(
    (a, b) => Number(a === clickstream) - Number(b === clickstream),
  );
  return streams.map((stream) => {
    const hub = stack.settings[stream.hubSetting] ?? '';
    const at = { store, table: stream.table };
    const reader = new FiguresReader({ brokerUrl: stack.brokerUrl, hub, at });
    return followStream({ stack, stream, reader, letters: new LetterCounter({ stream, store }) });
  });
}

interface Followed {
  readonly stack: Stack;
  readonly stream: Stream;
  readonly reader: FiguresReader;
  readonly letters: LetterCounter;
}

function followStream({ stack, stream, reader, letters }: Followed): StreamProgress {
  const { warehouse } = stream;
  // If the warehouse fails, the status line says so, and the comparison at the end shows a difference.
  const loaded = async () =>
    warehouse ? warehouseRows(stack.settings.WAREHOUSE, warehouse).catch(() => 0) : undefined;
  return {
    stream,
    async status() {
      const { accepted, ingested, rows, version } = await reader.read();
      const table = version < 0 ? 'no Delta table yet' : `Delta version ${version}`;
      const inWarehouse = version < 0 ? undefined : await loaded();
      return `${nounOf(stream)} ${count(accepted)} emitted, ${count(ingested)} ingested, ${quantity(rows, 'row')}, ${table}${
        inWarehouse === undefined ? '' : `, ${count(inWarehouse)} in the warehouse`
      }`;
    },
    async compare() {
      const { accepted, ingested, rows } = await reader.read();
      const clicks = stream === clickstream ? await clicksOfTheApi(stack.apiUrl) : undefined;
      const inWarehouse = await loaded();
      const events: Figure[] = [
        ['accepted', accepted],
        ['ingested', ingested],
      ];
      const stored: Figure[] = [
        ['rows', rows],
        ...(clicks === undefined ? [] : [['clicks', clicks] satisfies Figure]),
        ...(inWarehouse === undefined ? [] : [['warehouse', inWarehouse] satisfies Figure]),
      ];
      const found = await letters.count();
      const isRowAnEvent = found === 0 && rows === ingested;
      const line = isRowAnEvent
        ? join([['accepted', accepted], ...stored])
        : [join(events), join(stored), ...(found === 0 ? [] : [describeLetters(found)])].join(', ');
      return {
        equal: areEqual(events) && areEqual(stored),
        line: stream === clickstream ? line : `${nounOf(stream)}: ${line}`,
      };
    },
  };
}

type Figure = [what: string, value: number];

const areEqual = (figures: readonly Figure[]) => figures.every(([, value]) => value === figures[0]?.[1]);

/** Joins figures with `=` or `≠`. Each is compared with the first one. */
const join = (figures: readonly Figure[]) =>
  figures
    .map(([what, value], index) => {
      const sign = index === 0 ? '' : value === figures[0]?.[1] ? ' = ' : ' ≠ ';
      return `${sign}${what} ${count(value)}`;
    })
    .join('');

const describeLetters = (letters: number) => quantity(letters, 'dead letter');
