import type { HttpRequest } from '@azure/functions';

/** What the API needs of a request. */
interface Asked {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: HttpRequest['headers'];
}

/** The query, as it stands in the address: the host joins what is given twice, and then it looks like one value. */
export const queryOf = ({ url }: HttpRequest): URLSearchParams => new URL(url).searchParams;

/** The request for the view that a route value names. */
export const apiRequest = (request: HttpRequest, value: string | undefined): Asked => ({
  path: routeValue(value ?? ''),
  query: queryOf(request),
  headers: request.headers,
});

/** The same for route values below each other. They are given as they stand in an address, because one may hold a slash. */
export const apiRequestBelow = (request: HttpRequest, ...values: readonly (string | undefined)[]): Asked => ({
  ...apiRequest(request, ''),
  path: values
    .filter((value) => value !== undefined)
    .map((value) => encodeURIComponent(routeValue(value)))
    .join('/'),
});

/** The host decodes route values, but for a slash. */
const routeValue = (value: string): string => value.replaceAll(/%2F/gi, '/').toWellFormed();
