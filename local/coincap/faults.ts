/** The faults that the simulator can answer instead of assets. */
export const faultKinds = [
  '400',
  '401',
  '403',
  '404',
  '429',
  '500',
  '503',
  'sunset',
  'not-json',
  'hang',
] as const;

export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** How many requests get this fault; by default 1. */
  readonly times?: number;
  /** For 429: the seconds of the Retry-After header. Without them, the header is left out. */
  readonly retryAfterSeconds?: number;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const errors: Readonly<Record<string, string>> = {
  400: 'Bad request',
  401: 'Unauthorized: missing or invalid API key',
  403: 'Forbidden: your plan does not include this resource',
  429: 'Too many requests: your credits for now are used up',
  500: 'Internal server error',
  503: 'Service unavailable',
};

/** An error in the words of the API. */
export const errorAnswer = (status: number, nowMs: number, error = errors[status] ?? 'Error'): Answer => ({
  status,
  body: JSON.stringify({ error, timestamp: nowMs }),
});

/** The answer of version 2 since it was shut down: status 200, and a notice instead of assets. */
export const sunsetAnswer = (nowMs: number): Answer => ({
  status: 200,
  body: JSON.stringify({
    data: {
      message:
        'We are deprecating this version of the CoinCap API on March 31, 2025. Sign up for our new V3 API at https://pro.coincap.io/dashboard',
    },
    timestamp: nowMs,
  }),
});

/** The answer of a fault; undefined for the fault that never answers. */
export function faultAnswer(fault: Fault, nowMs: number): Answer | undefined {
  if (fault.kind === 'hang') return undefined;
  if (fault.kind === 'sunset') return sunsetAnswer(nowMs);
  if (fault.kind === 'not-json') return { status: 200, body: '<!doctype html><title>Maintenance</title>' };
  if (fault.kind === '404') return errorAnswer(404, nowMs, 'asset not found');
  const answer = errorAnswer(Number(fault.kind), nowMs);
  if (fault.kind !== '429' || fault.retryAfterSeconds === undefined) return answer;
  return { ...answer, headers: { 'retry-after': String(fault.retryAfterSeconds) } };
}

/** Reads `with=429&times=2&retryAfter=5`. If it is malformed, returns a text that says what is wrong. */
export function parseFault(query: URLSearchParams): Fault | string {
  const kind = faultKinds.find((known) => known === query.get('with'));
  if (!kind) return `with must be one of ${faultKinds.join(', ')}`;
  const times = Number(query.get('times') ?? 1);
  if (!Number.isInteger(times) || times < 1) return 'times must be a whole number from 1';
  const retryAfter = query.get('retryAfter');
  if (retryAfter === null) return { kind, times };
  if (!/^\d{1,6}$/.test(retryAfter)) return 'retryAfter must be a number of seconds';
  return { kind, times, retryAfterSeconds: Number(retryAfter) };
}
