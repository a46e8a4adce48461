import type { HttpRequest } from '@azure/functions';

/** The parts of a request that the API needs. */
interface Asked {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: HttpRequest['headers'];
}

/** The query as it stands in the address. The host's own query joins the values of a parameter that is given twice into one. */
export const queryOf = ({ url }: HttpRequest): URLSearchParams => new URL(url).searchParams;

/** The request for the view that a route value names. */
export const apiRequest = (request: HttpRequest, value: string | undefined): Asked => ({
  path: routeValue(value ?? ''),
  query: queryOf(request),
  headers: request.headers,
});

/**
 * Like `apiRequest`, for several route values that follow each other in the path. They are given as they stand in an address, because one
 * may hold a slash.
 */
export const apiRequestBelow = (request: HttpRequest, ...values: readonly (string | undefined)[]): Asked => ({
  ...apiRequest(request, ''),
  path: values
    .filter((value) => value !== undefined)
    .map((value) => encodeURIComponent(routeValue(value)))
    .join('/'),
});

/** Decodes the slashes of a route value, which the host leaves encoded. */
const routeValue = (value: string): string => value.replaceAll(/%2F/gi, '/').toWellFormed();
