import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiAnswer, type ApiRequest, answerProblem, matchesTag } from '../api/answer';
import { page } from './page';
import { styles } from './styles';

/** Allows only what this app serves itself. Scripts set styles through the DOM, so inline styles are not needed. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface Part {
  readonly type: string;
  read(): Promise<string>;
}

const html = 'text/html; charset=utf-8';
const css = 'text/css; charset=utf-8';
const javascript = 'text/javascript; charset=utf-8';

/** A script of the page, compiled from browser/ into the same folder of dist. */
const script = (name: string): [string, Part] => [
  `${name}.js`,
  { type: javascript, read: () => readFile(join(__dirname, 'browser', `${name}.js`), 'utf8') },
];

const library = (file: string) => () => readFile(require.resolve(`uplot/dist/${file}`), 'utf8');

const parts: ReadonlyMap<string, Part> = new Map([
  ['', { type: html, read: async () => page }],
  ['dashboard.css', { type: css, read: async () => styles }],
  ['uPlot.css', { type: css, read: library('uPlot.min.css') }],
  ['uPlot.js', { type: javascript, read: library('uPlot.iife.min.js') }],
  ...[
    ...[
      'api',
      'assetTable',
      'assetsScreen',
      'chartAxes',
      'chartMark',
      'choices',
      'clicksChart',
      'clicksScreen',
      'comparison',
    ],
    ...[
      'download',
      'elements',
      'healthWatch',
      'key',
      'lateness',
      'main',
      'parts',
      'periods',
      'poller',
      'rate',
    ],
    ...['rows', 'states', 'tables', 'tabs', 'timeChart', 'view'],
  ].map(script),
]);

const served = new Map<string, { body: string; tag: string }>();

export interface DashboardRequest extends ApiRequest {
  /** The whole URL of the request. */
  readonly url?: string;
}

/**
 * Serves the dashboard's page (path '') and its parts. They contain no data, so no key is needed. A URL that ends with a slash is
 * redirected to the URL without.
 */
export async function serveDashboard({ path, headers, url }: DashboardRequest): Promise<ApiAnswer> {
  const part = parts.get(path);
  if (!part) return answerProblem(404, 'The dashboard has no such part.');
  const location = url === undefined ? undefined : withoutSlash(new URL(url));
  if (location !== undefined)
    return { status: 308, headers: { Location: location, 'Cache-Control': 'no-cache' } };
  let known = served.get(path);
  if (!known) {
    const body = await part.read();
    known = { body, tag: `"${createHash('sha256').update(body).digest('base64url')}"` };
    served.set(path, known);
  }
  const shared = {
    ETag: known.tag,
    'Cache-Control': 'no-cache',
    'Content-Security-Policy': contentSecurityPolicy,
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  };
  if (matchesTag(headers.get('if-none-match'), known.tag)) return { status: 304, headers: shared };
  return { status: 200, headers: { ...shared, 'Content-Type': part.type }, body: known.body };
}

/**
 * The relative URL of the same page without slashes at its end; undefined if it has none. The page's links are relative to it. It
 * is relative itself, so that the prefix of the routes, or of a proxy, need not be known.
 */
function withoutSlash({ pathname, search }: URL): string | undefined {
  const [, name, slashes = ''] = /([^/]+)(\/+)$/.exec(pathname) ?? [];
  return name === undefined ? undefined : `${'../'.repeat(slashes.length)}${name}${search}`;
}
