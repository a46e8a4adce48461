import { openLake } from '../src/lib/app/lake';
import { within } from '../src/lib/deadline';
import type { TableLocation } from '../src/lib/delta/log';
import { openState } from '../src/lib/delta/openTable';
import { once } from '../src/lib/once';
import { count, quantity } from '../src/lib/quantity';
import { parseLakeSettings } from '../src/lib/settings';
import { loadStreams } from '../src/lib/streams/loadStreams';
import type { Stream } from '../src/lib/streams/stream';
import {
  type Comparison,
  compareFigures,
  describeMissing,
  type Figures,
  isClicks,
  nounOf,
  prefixOf,
} from './comparison';
import { clicksOfTheApi, FiguresReader, LetterCounter, warehouseRows } from './figures';
import type { Stack } from './stack';
import { askWaits, describeUncounted, noWaits, unlessTold, type Waits, withWaits } from './waits';

/** How long numbers are waited for, in milliseconds. Numbers that are late are shown as unknown, and asked for again. */
const readLimitMs = 3000;
/**
 * A stream counts as standing still if its numbers have not changed for this long, in milliseconds, although events or rows are on their
 * way.
 */
const stillAfterMs = 5000;
const askEveryMs = 5000;
/** If no reason is known, it counts as standing still only after this time: the partitions of a killed host become free after a while. */
const stillWithoutReasonAfterMs = 20_000;
const unread = 'nobody reads them from the hub, and .local/logs/host.log may say why';

/** Follows every stream of a stack. The clickstream comes last, because its comparison is the last line of `npm start`. */
export async function followStreams(stack: Stack): Promise<StreamProgress[]> {
  const lake = await openLake(parseLakeSettings(stack.settings));
  const streams = [...(await loadStreams())].sort((a, b) => Number(isClicks(a)) - Number(isClicks(b)));
  return streams.map((stream) => {
    const hub = stack.settings[stream.hubSetting] ?? '';
    const at = lake.at(stream.table);
    const reader = new FiguresReader({ brokerUrl: stack.brokerUrl, hub, at });
    const letters = new LetterCounter({ stream, store: lake.store });
    return new StreamProgress({ stack, stream, reader, letters, at });
  });
}

interface Followed {
  readonly stack: Pick<Stack, 'apiUrl' | 'settings'>;
  readonly stream: Stream;
  readonly reader: FiguresReader;
  readonly letters: LetterCounter;
  readonly at: TableLocation;
}

/**
 * The progress of one stream, as a line for people and as numbers to compare. Numbers that cannot be read are reported, and are no error.
 */
export class StreamProgress {
  readonly stream: Stream;
  readonly #followed: Followed;
  /** The reading that is under way. If it is late, the next status waits for the same one. */
  readonly #reading = once(() => this.#read().finally(() => void this.#reading.forget()));
  readonly #asking = once(() => this.#askWhy().finally(() => void this.#asking.forget()));
  #asksWarehouse = false;
  #line: string;
  #shown: Figures | undefined;
  /** The numbers that the last comparison found missing, or why they could not be compared. */
  #compared: { readonly missing: readonly string[] } | { readonly error: unknown } = { missing: [] };
  #movedAt = performance.now();
  /** When events were last seen to be read. The table may have them already, as after `checkpoints -- reset`. */
  #readAt = performance.now();
  /** How many events had been delivered when the numbers last moved. */
  #deliveredBefore = 0;
  #isDone = false;
  #askedAt = Number.NEGATIVE_INFINITY;
  #waits: Waits = noWaits;

  constructor(followed: Followed) {
    this.#followed = followed;
    this.stream = followed.stream;
    this.#line = `${nounOf(this.stream)}: no numbers yet`;
  }

  /** True if the missing numbers will not arrive until a person does something. */
  get isStuck(): boolean {
    return this.#waits.isFailing && (this.#isDone || this.#stillForMs >= stillAfterMs);
  }

  /** The stream's line of numbers, and a sentence if something is wrong. Never rejects. */
  async status(): Promise<{ readonly figures: string; readonly note?: string }> {
    const unreadable = await this.#refresh();
    if (performance.now() - this.#askedAt >= askEveryMs) void this.#asking();
    const wrong = unreadable ?? this.#whatIsWrong();
    return { figures: this.#line, ...(wrong !== undefined && { note: withWaits(wrong, this.#waits) }) };
  }

  /** Compares the numbers of independent places. They are equal once everything has arrived. Never rejects. */
  async compare(): Promise<Comparison> {
    const { stack, letters } = this.#followed;
    try {
      const figures = await this.#read();
      const clicks = isClicks(this.stream) ? await clicksOfTheApi(stack.apiUrl) : undefined;
      const comparison = compareFigures(this.stream, figures, {
        clicks,
        letters: await letters.count(),
      });
      this.#compared = { missing: describeMissing(this.stream, figures, clicks) };
      return comparison;
    } catch (error) {
      this.#compared = { error };
      // The line before this one says why.
      return { equal: false, line: `${prefixOf(this.stream)}the numbers cannot be compared` };
    }
  }

  /** Says why the numbers of the last comparison differ, or cannot be compared. */
  async explain(): Promise<string> {
    await this.#askWhy();
    if ('error' in this.#compared) return withWaits(this.#unreadable(this.#compared.error), this.#waits);
    const { missing } = this.#compared;
    const what = `${nounOf(this.stream)}: ${missing.join(', and ') || 'the numbers differ'}`;
    if (missing.length === 0 || this.#waits.reasons.length > 0) return withWaits(what, this.#waits);
    if (this.#isUnread) return withWaits(what, { ...noWaits, reasons: [unread] });
    return `${what}. Nothing has failed: they are still under way, as with more events than this machine can take. The next "npm start" goes on with them.`;
  }

  /** Reads the numbers. Returns a sentence without its end if they cannot be read. */
  async #refresh(): Promise<string | undefined> {
    try {
      const figures = await within(
        readLimitMs,
        () => this.#reading(),
        () => {
          throw new Error(`${this.#asked} takes longer than ${readLimitMs / 1000} s to answer`);
        },
      );
      this.#line = describeFigures(this.stream, figures);
      this.#isDone = isDone(this.stream, figures);
      this.#noteMoves(figures);
      return undefined;
    } catch (error) {
      return this.#unreadable(error);
    }
  }

  #noteMoves(figures: Figures): void {
    const { accepted, delivered } = figures;
    if (this.#isDone || hasMoved(figures, this.#shown)) {
      this.#movedAt = performance.now();
      this.#deliveredBefore = delivered;
    }
    // If more than all events were delivered, some come again and again, and the reader does not get past them.
    const mayGetOn = delivered - this.#deliveredBefore <= accepted;
    if (mayGetOn && delivered !== this.#shown?.delivered) this.#readAt = performance.now();
    this.#shown = figures;
  }

  #unreadable(error: unknown): string {
    return `the numbers of ${nounOf(this.stream)} cannot be read${unlessTold(error, this.#waits)}`;
  }

  async #read(): Promise<Figures> {
    const { reader, stack } = this.#followed;
    const { warehouse } = this.stream;
    this.#asksWarehouse = false;
    const figures = await reader.read();
    if (!warehouse || figures.version < 0) return { ...figures, inWarehouse: 0 };
    this.#asksWarehouse = true;
    // The API's health, not this place, says why the warehouse does not answer.
    const inWarehouse = await warehouseRows(stack.settings.WAREHOUSE, warehouse).catch(() => undefined);
    return { ...figures, inWarehouse };
  }

  async #askWhy(): Promise<void> {
    const waits = await askWaits(this.#followed.stack.apiUrl, this.stream);
    this.#waits = waits.reasons.length === 0 ? await this.#askForClicks() : waits;
    this.#askedAt = performance.now();
  }

  async #askForClicks(): Promise<Waits> {
    const { stack, at } = this.#followed;
    if (!isClicks(this.stream)) return noWaits;
    try {
      await clicksOfTheApi(stack.apiUrl);
      return noWaits;
    } catch (refusal) {
      const cause = await openState(at).then(
        () => undefined,
        (error: unknown) => error,
      );
      return describeUncounted(this.stream, refusal, cause);
    }
  }

  /** The part whose answer is awaited while numbers are read. */
  get #asked(): string {
    return this.#asksWarehouse ? 'the warehouse' : this.#followed.reader.asked;
  }

  get #stillForMs(): number {
    return performance.now() - this.#movedAt;
  }

  /** Whether events wait in the hub, and none has been read for some time. */
  get #isUnread(): boolean {
    const { accepted, ingested } = this.#shown ?? { accepted: 0, ingested: 0 };
    return accepted > ingested && performance.now() - this.#readAt >= stillWithoutReasonAfterMs;
  }

  #whatIsWrong(): string | undefined {
    const noun = nounOf(this.stream);
    const { reasons, isFailing } = this.#waits;
    const unreadForMs = performance.now() - this.#readAt;
    const isStill =
      reasons.length === 0
        ? Math.min(this.#stillForMs, unreadForMs) >= stillWithoutReasonAfterMs
        : this.#stillForMs >= stillAfterMs;
    if (isStill) return `${noun} stands still`;
    return isFailing ? `${noun} has a problem` : undefined;
  }
}

/** Whether nothing is known to be on its way. */
const isDone = ({ warehouse }: Stream, { accepted, ingested, rows, inWarehouse = rows }: Figures): boolean =>
  ingested >= accepted && (!warehouse || inWarehouse === rows);

/** Whether the numbers that should move have moved: those of events into the table, or else those of rows into the warehouse. */
const hasMoved = ({ accepted, ingested, inWarehouse }: Figures, before: Figures | undefined): boolean =>
  accepted > ingested ? ingested !== before?.ingested : inWarehouse !== before?.inWarehouse;

function describeFigures(
  stream: Stream,
  { accepted, ingested, rows, version, inWarehouse }: Figures,
): string {
  const table = version < 0 ? 'no Delta table yet' : `Delta version ${version}`;
  const loaded =
    stream.warehouse && version >= 0 ? `, ${count(inWarehouse ?? Number.NaN)} in the warehouse` : '';
  return `${nounOf(stream)} ${count(accepted)} emitted, ${count(ingested)} ingested, ${quantity(rows, 'row')}, ${table}${loaded}`;
}
