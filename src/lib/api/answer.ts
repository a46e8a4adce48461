/** An HTTP request as the API needs it; header names in lower case. */
export interface ApiRequest {
  /** The path after the route's own path, without slashes at its ends; empty for the route itself. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: { get(name: string): string | null };
}

/** An HTTP answer. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A request that is wrong, or asks for too much, and is answered with a problem detail (RFC 9457). */
export class RequestProblem extends Error {
  readonly status: 400 | 404 | 503;
  readonly parameter: string | undefined;
  readonly accepts: string | undefined;

  constructor(status: 400 | 404 | 503, detail: string, about?: { parameter: string; accepts?: string }) {
    super(detail);
    this.status = status;
    this.parameter = about?.parameter;
    this.accepts = about?.accepts;
  }
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** A problem detail (RFC 9457) of the type about:blank; `parameter` and `accepts` are members if they are given. */
export function answerProblem(
  status: number,
  detail: string,
  about: { parameter?: string | undefined; accepts?: string | undefined } = {},
): ApiAnswer {
  const problem = { type: 'about:blank', title: titles[status] ?? 'Error', status, detail, ...about };
  return {
    status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      ...(status === 503 ? { 'Retry-After': '5' } : {}),
    },
    body: JSON.stringify(problem),
  };
}

/** A value as a message quotes it: shortened if it is long. */
export const shown = (text: string) =>
  JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text).toWellFormed();

/**
 * Answers a request for a stream that is not among those which the API serves.
 * @param name the name in the request
 * @param which what is done with the streams that are accepted
 * @param declares the member of a stream's file by which the API serves it
 */
export function noSuchStream(
  name: string | undefined,
  which: string,
  {
    streams,
    declares,
  }: { readonly streams: readonly { readonly name: string }[]; readonly declares: 'counted' | 'latest' },
): ApiAnswer {
  const accepts = streams.map(({ name }) => name).join(', ') || `none: no stream declares \`${declares}\``;
  const wrong =
    name === undefined ? `The path names no stream ${which}` : `There is no stream ${shown(name)} ${which}`;
  return answerProblem(404, `${wrong}: expected ${accepts}.`, {
    parameter: 'stream',
    accepts,
  });
}

/** Whether an If-None-Match header holds this entity tag (RFC 9110, section 13.1.2: weak comparison). */
export function matchesTag(ifNoneMatch: string | null, tag: string): boolean {
  if (ifNoneMatch === null) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === tag);
}

/** Whether an Accept header prefers CSV to JSON (RFC 9110, section 12.5.1). */
export function prefersCsv(accept: string | null): boolean {
  if (accept === null) return false;
  return qualityOf(accept, 'text', 'csv') > qualityOf(accept, 'application', 'json');
}

function qualityOf(accept: string, type: string, subtype: string): number {
  let best = { specificity: -1, quality: 0 };
  for (const range of accept.toLowerCase().split(',')) {
    const [media = '', ...parameters] = range.split(';').map((part) => part.trim());
    const specificity = [`*/*`, `${type}/*`, `${type}/${subtype}`].indexOf(media);
    if (specificity <= best.specificity) continue;
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    best = { specificity, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 };
  }
  return best.quality;
}
