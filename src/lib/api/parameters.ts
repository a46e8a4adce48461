import { parseDuration } from '../duration';
import { parseIsoTimestamp } from '../streams/isoTimestamp';
import { RequestProblem, shown } from './answer';

/** A time span of a request, such as `15m`, which is a multiple of a bucket. */
export interface Span {
  readonly text: string;
  readonly ms: number;
}

/** The parameters of one request. All reading methods throw a RequestProblem that names the parameter and what it accepts. */
export class Parameters {
  readonly #query: URLSearchParams;

  /** @throws RequestProblem for a parameter that is unknown or given twice */
  constructor(query: URLSearchParams, known: readonly string[]) {
    this.#query = query;
    for (const name of new Set(query.keys())) {
      // Azure Functions accepts a function key in this parameter.
      if (name === 'code') continue;
      if (!known.includes(name)) {
        throw new RequestProblem(400, `There is no parameter ${shown(name)} here.`, {
          parameter: name,
          accepts: known.length === 0 ? 'no parameters' : `the parameters ${known.join(', ')}`,
        });
      }
      if (query.getAll(name).length > 1) this.#refuse(name, 'one value');
    }
  }

  /** A whole number from `least` to `most`; undefined if the parameter is missing. */
  integer(name: string, least: number, most: number): number | undefined {
    const text = this.#query.get(name);
    if (text === null) return undefined;
    const value = Number(text);
    if (/^-?\d{1,16}$/.test(text) && value >= least && value <= most) return value;
    return this.#refuse(name, `a whole number from ${least} to ${most}`);
  }

  /** A text; if `most` is given, one of 1 to `most` characters. */
  text(name: string, most?: number): string | undefined {
    const text = this.#query.get(name) ?? undefined;
    if (text === undefined || most === undefined) return text;
    return text.length >= 1 && text.length <= most ? text : this.#refuse(name, `1 to ${most} characters`);
  }

  /** One of these words; undefined if the parameter is missing. */
  oneOf<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.#query.get(name);
    if (text === null) return undefined;
    return words.find((word) => word === text) ?? this.#refuse(name, `one of ${words.join(', ')}`);
  }

  /** A span like 15m, 2h or 1d. `accepts` describes the condition `isAccepted` in words. */
  span(name: string, fallback: string, accepts: string, isAccepted: (ms: number) => boolean): Span {
    return this.optionalSpan(name, accepts, isAccepted) ?? { text: fallback, ms: readSpan(fallback) };
  }

  /** A time with its time zone, in milliseconds since 1970. */
  time(name: string): number | undefined {
    // In an address, a plus stands for a blank unless it is written as %2B, which many forget. So a blank before a time zone is read as a
    // plus.
    const text = this.#query.get(name)?.replace(/ (?=\d\d:\d\d$)/, '+');
    if (text === undefined) return undefined;
    // The seconds may be left out.
    const whole = text.replace(/(T\d\d:\d\d)(?=Z|[+-])/, '$1:00');
    const ms = isoTimeText.test(text) ? parseIsoTimestamp(whole) : undefined;
    return typeof ms === 'number'
      ? ms
      : this.#refuse(name, 'a time like 2026-01-02T03:04:05Z or 2026-01-02T03:04+01:00');
  }

  optionalSpan(name: string, accepts: string, isAccepted: (ms: number) => boolean): Span | undefined {
    const text = this.#query.get(name);
    if (text === null) return undefined;
    const ms = readSpan(text);
    return ms > 0 && isAccepted(ms) ? { text, ms } : this.#refuse(name, accepts);
  }

  #refuse(name: string, accepts: string): never {
    throw new RequestProblem(400, `${name} is ${shown(this.#query.get(name) ?? '')}: expected ${accepts}.`, {
      parameter: name,
      accepts,
    });
  }
}

const isoTimeText = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/;

/** A span in milliseconds; 0 for a text that is no span. Fractions are refused, because counts are kept in whole buckets. */
function readSpan(text: string): number {
  if (!/^\d{1,5}[mhd]$/.test(text)) return 0;
  return parseDuration(text, ['m', 'h', 'd']) ?? 0;
}
