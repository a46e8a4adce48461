import { integerBetween, type Random, seededRandom } from './seededRandom';

/** A click as the published generator writes it. `timestamp` has seven digits of fraction and an offset. */
export interface ClickEvent {
  readonly productid: number;
  readonly timestamp: string;
  readonly sessionid: number;
  readonly category: number;
}

/** The published generator's settings, under its own names and with its own defaults. */
export interface ClickSimulatorOptions {
  /** The same seed, start and ticks give the same clicks. By default, the start time is the seed. */
  readonly seed?: number;
  /** When the simulator starts, in milliseconds since 1970; by default now. */
  readonly now?: number;
  /**
   * `clock`: endless sessions side by side, with the clicks spread over the time since the last tick. `published`: one session after the
   * other like the published generator, beginning `sessionDuration` seconds in the past; it ends after `nosessions`.
   */
  readonly eventTimes?: 'clock' | 'published';
  /** A session has up to `maxclicks` - 2 clicks. */
  readonly maxclicks?: number;
  readonly minProductId?: number;
  /** Product ids are below this number. */
  readonly maxProductId?: number;
  readonly nocats?: number;
  /** For `published` only: sessions are numbered from `sessionctr` + 1 to `nosessions` - 1. */
  readonly sessionctr?: number;
  readonly nosessions?: number;
  /** For `published` only: the seconds between the beginning of a session and the start of the simulator. */
  readonly sessionDuration?: number;
  /** The longest pause whose clicks a tick makes up for. By default 90 s: more than a minute's schedule, less than a night. */
  readonly maxCatchUpMs?: number;
}

export interface ClickSimulator {
  /** The clicks since the last tick, or since the start, at this rate. A fraction of a click is carried over to the next tick. */
  tick(nowMs: number, clicksPerSecond: number): ClickEvent[];
  /** True once a tick found that the last session has ended, so that no more clicks come. */
  readonly hasEnded: boolean;
}

interface Session {
  readonly id: number;
  clicksLeft: number;
}

/** The next click of a session comes 0 to 59 whole seconds after the last one. */
const gapSeconds = 60;

/** Makes up clicks. Uses neither clock nor network. Throws a RangeError if the settings allow no clicks. */
export function createClickSimulator(options: ClickSimulatorOptions = {}): ClickSimulator {
  const startMs = options.now ?? Date.now();
  const { maxclicks = 100, minProductId = 1, maxProductId = 671, nocats = 10 } = options;
  if (!(maxclicks >= 3)) throw new RangeError(`maxclicks is ${maxclicks}; a session needs at least 3.`);
  if (!(maxProductId > minProductId))
    throw new RangeError(`maxProductId is ${maxProductId}; it must be above minProductId, ${minProductId}.`);
  if (!(nocats >= 1)) throw new RangeError(`nocats is ${nocats}; there must be at least 1 category.`);

  const random = seededRandom(options.seed ?? startMs % 0x1_0000_0000);
  const drawClick = (sessionid: number, timeMs: number): ClickEvent => {
    const productid = integerBetween(random, minProductId, maxProductId);
    return { productid, timestamp: formatDotNet(timeMs), sessionid, category: (productid % nocats) + 1 };
  };
  // Like the published generator, draw a number from 1 to maxclicks - 1 and make one click fewer.
  const drawClickCount = () => integerBetween(random, 1, maxclicks) - 1;
  const next =
    options.eventTimes === 'published'
      ? publishedSessions({ ...options, startMs, random, drawClick, drawClickCount })
      : concurrentSessions({ startMs, random, drawClick, drawClickCount });

  let lastMs = startMs;
  let carried = 0;
  let hasEnded = false;
  return {
    get hasEnded() {
      return hasEnded;
    },
    tick(nowMs, clicksPerSecond) {
      const elapsedMs = Math.max(0, Math.min(nowMs - lastMs, options.maxCatchUpMs ?? 90_000));
      lastMs = Math.max(lastMs, nowMs);
      const due = carried + (elapsedMs * clicksPerSecond) / 1000;
      const count = Math.floor(due + 1e-9);
      carried = Math.max(0, due - count);
      const clicks: ClickEvent[] = [];
      for (let i = 1; i <= count; i++) {
        const click = next(lastMs - elapsedMs + (elapsedMs * i) / count);
        hasEnded = !click;
        if (!click) break;
        clicks.push(click);
      }
      return clicks;
    },
  };
}

type NextClick = (timeMs: number) => ClickEvent | undefined;

interface SessionOptions {
  readonly startMs: number;
  readonly random: Random;
  readonly drawClick: (sessionid: number, timeMs: number) => ClickEvent;
  readonly drawClickCount: () => number;
}

/**
 * Makes clicks of sessions side by side. Each click belongs to a session that is due, or begins a new one if none is due, so there are
 * always enough visitors for the rate. Waiting sessions are kept in a ring of 60 lists, one for each second.
 */
function concurrentSessions({ startMs, random, drawClick, drawClickCount }: SessionOptions): NextClick {
  const nextId = sessionIds(startMs);
  const waiting: Session[][] = Array.from({ length: gapSeconds }, () => []);
  let second = Math.floor(startMs / 1000);

  const takeDue = (nowSecond: number): Session | undefined => {
    second = Math.max(second, nowSecond - gapSeconds + 1);
    for (; second < nowSecond; second++) {
      const session = waiting[second % gapSeconds]?.pop();
      if (session) return session;
    }
    return waiting[second % gapSeconds]?.pop();
  };

  return (timeMs) => {
    const nowSecond = Math.floor(timeMs / 1000);
    let session = takeDue(nowSecond);
    while (!session) {
      const opened = { id: nextId(), clicksLeft: drawClickCount() };
      if (opened.clicksLeft > 0) session = opened;
    }
    session.clicksLeft--;
    if (session.clicksLeft > 0)
      waiting[(nowSecond + integerBetween(random, 0, gapSeconds)) % gapSeconds]?.push(session);
    return drawClick(session.id, timeMs);
  };
}

/** The time from which ids count, 2020-01-01. It keeps ids below 2^53 until 2089. */
const idEpochMs = Date.UTC(2020, 0, 1);
const idsPerMs = 4096;

/**
 * Session ids that never repeat: the milliseconds from 2020 to the start, times 4096, plus a counter. A simulator that starts later begins
 * above every id of an earlier one, unless that one began more than 4,096,000 sessions a second or the clock was set back. Two simulators
 * that start in the same millisecond use the same ids.
 */
function sessionIds(startMs: number): () => number {
  let id = Math.max(0, Math.floor(startMs) - idEpochMs) * idsPerMs;
  return () => ++id;
}

/**
 * Makes the clicks of one session after the other, in the past. A session begins 0 to 59 s after start - sessionDuration, and has no click
 * after the start.
 */
function publishedSessions(
  options: SessionOptions & Pick<ClickSimulatorOptions, 'sessionctr' | 'nosessions' | 'sessionDuration'>,
): NextClick {
  const { startMs, random, drawClick, drawClickCount } = options;
  const { nosessions = 100_000, sessionDuration = 10_000 } = options;
  let sessionid = options.sessionctr ?? 0;
  let clicksLeft = 0;
  let timeMs = startMs;
  return () => {
    while (clicksLeft === 0) {
      if (sessionid + 1 >= nosessions) return undefined;
      sessionid++;
      clicksLeft = drawClickCount();
      timeMs = startMs - sessionDuration * 1000;
    }
    clicksLeft--;
    timeMs = Math.min(startMs, timeMs + integerBetween(random, 0, gapSeconds) * 1000);
    return drawClick(sessionid, timeMs);
  };
}

/** A time in the format of .NET, like `2019-12-30T17:13:20.3295826+00:00`. Its seven digits are ticks of 100 ns. */
function formatDotNet(timeMs: number): string {
  const millis = Math.floor(timeMs);
  const ticks = Math.floor((timeMs - millis) * 10_000);
  return `${new Date(millis).toISOString().slice(0, 23)}${String(ticks).padStart(4, '0')}+00:00`;
}
