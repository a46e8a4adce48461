import { jsonValue } from '../../src/lib/jsonObject';
import type { Instance } from './instance';
import { notSupported } from './limits';

export interface ApiRequest {
  method: string;
  url: URL;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
}

export interface ApiAnswer {
  status: number;
  headers?: Record<string, string>;
  /** JSON; undefined for an empty body. */
  body?: unknown;
}

export const wrong = (Message: string): ApiAnswer => ({ status: 400, body: { Message } });
export const refused = (feature: string): ApiAnswer => ({ status: 501, body: notSupported(feature).message });

export function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The value of a JSON body, null if it is empty; undefined if the body is no JSON. */
export const readBody = (body: string): unknown => (body === '' ? null : jsonValue(body));

export const isTrue = (url: URL, name: string) => url.searchParams.get(name)?.toLowerCase() === 'true';

export const statusOptions = (url: URL) => ({
  showHistory: isTrue(url, 'showHistory'),
  showHistoryOutput: isTrue(url, 'showHistoryOutput'),
  showInput: url.searchParams.get('showInput')?.toLowerCase() !== 'false',
});

/**
 * How many instances a page of a list may have. If the parameter is no whole number from 1 on, it is ignored, and the result is undefined.
 */
export function readTop({ searchParams }: URL): number | undefined {
  const top = searchParams.get('top') ?? '';
  return /^[1-9]\d{0,8}$/.test(top) ? Number(top) : undefined;
}

/** Reads the filter of a query for several instances. Values that are no date or no status are ignored, as in Azure. */
export function readFilter({ searchParams }: URL): (instance: Instance) => boolean {
  const from = Date.parse(searchParams.get('createdTimeFrom') ?? '');
  const to = Date.parse(searchParams.get('createdTimeTo') ?? '');
  const prefix = searchParams.get('instanceIdPrefix') ?? '';
  const statuses = searchParams
    .getAll('runtimeStatus')
    .flatMap((list) => list.split(','))
    .filter(Boolean);
  return ({ id, createdAt, status }) =>
    !(Date.parse(createdAt) < from) &&
    !(Date.parse(createdAt) > to) &&
    id.startsWith(prefix) &&
    (statuses.length === 0 || statuses.some((one) => one.toLowerCase() === status.toLowerCase()));
}
