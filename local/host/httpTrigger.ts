import { randomUUID } from 'node:crypto';
import { type IncomingMessage, request as proxyRequest, type ServerResponse } from 'node:http';
import type { RpcCookie, RpcHttp, TypedData } from './functionsCore';
import type { HostFunction, Invoker } from './invoke';
import { compileRoute, type Route } from './routes';
import { findBindingName, type TriggerOptions } from './trigger';

const maxBodyBytes = 100 * 1024 * 1024;

/** A function that HTTP requests start. As with `func start`, keys are not checked. */
export interface HttpRoute {
  fn: HostFunction;
  bindingName: string;
  /** The accepted methods, in upper case. */
  methods: string[];
  /** The route with its prefix, as it is printed at the start. */
  template: string;
  route: Route;
}

/** Reads an httpTrigger binding. Throws if the route is malformed or is one of the host's own. */
export function readHttpRoute(options: TriggerOptions, routePrefix: string): HttpRoute {
  const { fn, name, binding } = options;
  const path = typeof binding.route === 'string' ? binding.route.replace(/^\/+|\/+$/g, '') : name;
  const template = [routePrefix, path].filter((part) => part !== '').join('/');
  if (/^(admin|runtime)(\/|$)/i.test(template)) {
    throw new Error(`${name}: the route "${template}" is reserved: admin and runtime are the host's own.`);
  }
  const methods = Array.isArray(binding.methods)
    ? binding.methods.map((one) => String(one).toUpperCase())
    : [];
  return { fn, bindingName: findBindingName(options), methods, template, route: compileRoute(template) };
}

/**
 * Finds the function for a request. As in the real host, a known path with a wrong method is not found. An encoded slash does not separate
 * parts of the path; the function gets it, still encoded, in a parameter.
 */
export function findRoute(
  routes: HttpRoute[],
  method: string,
  pathname: string,
): { route: HttpRoute; params: Record<string, string> } | undefined {
  let path: string;
  try {
    path = pathname
      .split(/(%2F)/i)
      .map((part) => (/^%2F$/i.test(part) ? part : decodeURIComponent(part)))
      .join('')
      .replace(/^\/+|\/+$/g, '');
  } catch {
    return undefined;
  }
  const found = routes.flatMap((route) => {
    const params = route.methods.includes(method) ? route.route.match(path) : undefined;
    return params ? [{ route, params }] : [];
  });
  return found.sort((a, b) => a.route.route.rank.localeCompare(b.route.route.rank))[0];
}

export interface HttpCall {
  invoker: Invoker;
  route: HttpRoute;
  params: Record<string, string>;
  url: URL;
  request: IncomingMessage;
  response: ServerResponse;
}

/**
 * Runs the function with the whole body and writes its answer: 204 if it returned nothing, 500 without a body if it failed, 413 if
 * the request's body is larger than 100 MB.
 */
export async function callBuffered(call: HttpCall): Promise<void> {
  const { route, params, url, request, response } = call;
  const body = await readBody(request, maxBodyBytes);
  if (!body) {
    response.writeHead(413, { connection: 'close' }).end();
    return;
  }
  const http: RpcHttp = {
    url: url.href,
    method: request.method ?? 'GET',
    body: { bytes: body },
    nullableHeaders: toNullable(flattenHeaders(request)),
    nullableQuery: toNullable(Object.fromEntries(url.searchParams)),
    nullableParams: toNullable(params),
  };
  let result: TypedData | null | undefined;
  try {
    const { response: answer } = await call.invoker.invoke(route.fn, {
      inputData: [{ name: route.bindingName, data: { http } }],
      triggerMetadata: {},
    });
    result = answer.returnValue;
  } catch {
    response.writeHead(500).end();
    return;
  }
  writeResponse(response, result?.http);
}

/**
 * Passes the raw request to the programming model's own server, which matches it to the invocation, and streams the answer back.
 * Ends the reply if the function fails half way.
 */
export async function callStreamed(call: HttpCall, proxy: URL): Promise<void> {
  const { route, params, url, request, response } = call;
  const invocationId = randomUUID();
  const headers = flattenHeaders(request);
  const forward = proxyRequest({
    host: proxy.hostname,
    port: proxy.port,
    method: request.method,
    path: url.pathname + url.search,
    headers: {
      ...headers,
      'x-ms-invocation-id': invocationId,
      'x-forwarded-host': url.host,
      'x-forwarded-proto': 'http',
    },
  });
  forward.on('response', (answer) => {
    const { 'x-ms-invocation-id': _id, ...answerHeaders } = answer.headers;
    response.writeHead(answer.statusCode ?? 500, answerHeaders);
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  forward.on('error', () => endBroken(response));
  response.on('close', () => forward.destroy());
  request.pipe(forward);
  try {
    const { result } = await call.invoker.invoke(route.fn, {
      invocationId,
      inputData: [{ name: route.bindingName, data: { http: {} } }],
      triggerMetadata: {
        ...Object.fromEntries(Object.entries(params).map(([name, string]) => [name, { string }])),
        Headers: { json: JSON.stringify(headers) },
      },
    });
    // If the function returned nothing, it sent nothing through the proxy either.
    if (result === undefined || result === null) response.writeHead(204).end();
  } catch {
    endBroken(response);
  }
}

function endBroken(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(500).end();
}

function writeResponse(response: ServerResponse, http: RpcHttp | null | undefined): void {
  if (!http) {
    response.writeHead(204).end();
    return;
  }
  for (const [name, value] of Object.entries(http.headers ?? {})) response.setHeader(name, value);
  const cookies = (http.cookies ?? []).map(formatCookie);
  if (cookies.length > 0) response.setHeader('set-cookie', cookies);
  response.statusCode = Number(http.statusCode ?? 200);
  response.end(http.body?.bytes ?? http.body?.string ?? undefined);
}

function formatCookie(cookie: RpcCookie): string {
  const parts = [`${cookie.name}=${encodeURIComponent(cookie.value ?? '')}`];
  if (cookie.domain?.value) parts.push(`Domain=${cookie.domain.value}`);
  if (cookie.path?.value) parts.push(`Path=${cookie.path.value}`);
  const seconds = cookie.expires?.value?.seconds;
  if (seconds !== undefined) parts.push(`Expires=${new Date(seconds * 1000).toUTCString()}`);
  if (cookie.maxAge?.value !== undefined) parts.push(`Max-Age=${cookie.maxAge.value}`);
  if (cookie.secure?.value) parts.push('Secure');
  if (cookie.httpOnly?.value) parts.push('HttpOnly');
  const sameSite = { lax: 'Lax', strict: 'Strict', explicitNone: 'None', none: '' }[
    cookie.sameSite ?? 'none'
  ];
  if (sameSite) parts.push(`SameSite=${sameSite}`);
  return parts.join('; ');
}

function flattenHeaders(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

function toNullable(values: Record<string, string>): Record<string, { value: string }> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
}

/** Reads the body of a request; undefined if it is larger than the limit. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
