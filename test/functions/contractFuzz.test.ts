import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { minuteMs } from '../../src/lib/duration';
import { inParallel } from '../../src/lib/inParallel';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import { writeAssets } from '../kit/writeAssets';
import { ClicksTable } from '../lib/counts/clicksTable';
import { ClicksApp } from './clicksApp';
import {
  type Answer,
  deviations,
  documentedParameters,
  documentedPaths,
  type Parameter,
} from './openapiContract';

/*
 * Sends requests that are made from docs/openapi.yaml, with values that its parameters accept and others, given once, twice and joined.
 * The compiled app must answer all of them as documented, and never that it failed.
 */

const app = new ClicksApp();
beforeAll(async () => {
  const store: ObjectStore = await app.start();
  const table = await new ClicksTable(store).create();
  const now = Date.now();
  await table.append(
    Array.from({ length: 500 }, (_, n) => ({ productid: n % 9, at: now - n * n * 10_000, category: n % 4 })),
  );
  const asset = (id: string) => ({ id, asset_rank: '1', priceUsd: '2.5', runtime_timestamp: now });
  await writeAssets(store, [asset('bitcoin'), asset('a/b'), asset('=1+1')]);
}, 120_000);
afterAll(() => app.stop(), 60_000);

const paths = documentedPaths().filter(
  // These are of a page, and of orchestrations, which tests of their own start.
  (path) => !/dashboard|maintenance|rebuild/.test(path),
);

/** What no parameter expects, and some take as text. */
const strange = fc.constantFrom(
  ...[
    '',
    ' ',
    '0',
    '-1',
    '1e3',
    '0x10',
    '1.5',
    '٣',
    '１',
    '99999999999999999999',
    '-2147483649',
    'NaN',
    'null',
  ],
  ...[
    '0m',
    '61m',
    '90s',
    '49m',
    '1h1m',
    '99999d',
    '00015m',
    '1.5h',
    '-5m',
    '5M',
    '5m,5m',
    '1,2',
    'a,b',
    ',',
    '=',
  ],
  ...['before,yesterday', 'LASTWEEK', '-', '--change', '__proto__', 'constructor', 'toString', "' or 1=1 --"],
  ...[
    '2026-13-01T00:00Z',
    '2026-01-01',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '2026-01-01T00:00:00',
  ],
  ...['%', '%00', '\u0000', '\u202e', '\ud800', '💡', '<script>', '{}', '[1]', '../..', 'x'.repeat(3000)],
);
const spans = [
  ...['1m', '5m', '15m', '60m', '120m', '1h', '3h', '24h', '48h', '96h', '168h', '1d', '2d', '5d'],
  ...['7d', '8d', '9d', '15d', '31d'],
];

/** Values that a parameter's schema accepts. */
function valid({ name, schema }: Parameter): fc.Arbitrary<string> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.type === 'integer') {
    const { minimum = -(2 ** 31), maximum = 2 ** 31 } = schema;
    return fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: minimum, max: maximum })).map(String);
  }
  if (schema.pattern?.includes('[mhd]')) return fc.constantFrom(...spans);
  if (schema.format === 'date-time')
    return fc
      .oneof(fc.integer({ min: 0, max: 180 }), fc.integer({ min: 0, max: 50_000 }))
      .map((minutes) => new Date(Date.now() - minutes * minuteMs).toISOString());
  if (name === 'stream')
    return fc.constantFrom('clickstream', 'coincap', 'clickstream', 'coincap', 'nothing');
  if (name === 'by') return fc.constantFrom('productid', 'category');
  if (name === 'products') return fc.constantFrom('3', '3,7,99', '-1');
  if (name === 'If-None-Match') return fc.constantFrom('*', '"x"', 'W/"x", "y"', '""');
  const keys = fc.constantFrom('bitcoin', 'bitcoin', 'bitcoin', '3', '7', 'a/b', 'lamp', '-priceUsd');
  return fc.oneof({ weight: 4, arbitrary: keys }, fc.string({ maxLength: 9 }));
}

/** Whether a value is certainly not what the schema accepts. */
function isWrong(value: string, { schema }: Parameter): boolean {
  if (schema.enum) return !schema.enum.includes(value);
  if (schema.pattern) return !new RegExp(schema.pattern).test(value);
  if (schema.format === 'date-time') return !/^\d{4}-\d\d-\d\dT/.test(value);
  if (schema.type !== 'integer') return false;
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
  return !/^-?\d{1,16}$/.test(value) || Number(value) < minimum || Number(value) > maximum;
}

interface Request {
  readonly path: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  /** Whether a parameter is certainly wrong. */
  readonly isWrong: boolean;
}

const requestTo = (path: string): fc.Arbitrary<Request> => {
  const hows = ['left out', 'left out', 'once', 'once', 'once', 'twice', 'joined'];
  const given = (parameter: Parameter, isCareful: boolean) =>
    fc.record({
      parameter: fc.constant(parameter),
      how: fc.constantFrom(...(isCareful ? ['left out', 'left out', 'left out', 'once'] : hows)),
      values: fc.array(
        isCareful ? valid(parameter) : fc.oneof({ weight: 4, arbitrary: valid(parameter) }, strange),
        { minLength: 2, maxLength: 2 },
      ),
    });
  // Half of the requests have nothing wrong in one parameter, or else hardly any would be answered.
  const chosen = fc
    .boolean()
    .chain((isCareful) => fc.tuple(...documentedParameters(path).map((each) => given(each, isCareful))));
  const other = fc.option(fc.tuple(fc.constantFrom('lsat', 'Top', '$where', 'code'), strange), { freq: 12 });
  const accept = fc.constantFrom('*/*', 'application/json', 'text/csv', 'text/csv;q=x, */*;q=', ',;=');
  return fc.tuple(chosen, other, accept).map(([given, more, Accept]): Request => {
    const query: string[] = [];
    const headers: Record<string, string> = { Accept };
    let [url, hasWrong] = [path, false];
    const put = (name: string, value: string) =>
      query.push(`${encodeURIComponent(name)}=${encodeURIComponent(value.toWellFormed())}`);
    for (const { parameter, how, values } of given) {
      const { name } = parameter;
      const [first = '', second = ''] = values;
      if (parameter.in === 'path') url = url.replace(`{${name}}`, encodeURIComponent(first.toWellFormed()));
      else if (how === 'left out') continue;
      else if (parameter.in === 'header') headers[name] = first.replaceAll(/[^ -~]/g, '?');
      else {
        put(name, how === 'joined' ? `${first},${second}` : first);
        if (how === 'twice') put(name, second);
        // A text may have a comma, so a joined one can be right.
        hasWrong ||= how === 'twice' || isWrong(how === 'joined' ? `${first},${second}` : first, parameter);
      }
    }
    if (more) put(...more);
    return { path, url: `${url}?${query.join('&')}`, headers, isWrong: hasWrong };
  });
};

/**
 * The path of the contract that a request is for, as a key may have the name of a view. Undefined if it is for none, because a part is
 * missing.
 */
function pathOf({ path, url }: Request): string | undefined {
  const parts = (url.split('?')[0] ?? '').split('/');
  if (parts.indexOf('', 1) > 0) return undefined;
  const plain = parts
    .map((part, index) => (path.split('/')[index]?.startsWith('{stream') ? '{stream}' : part))
    .join('/');
  return paths.includes(plain) ? plain : path;
}

async function ask({ url, headers }: Request): Promise<Answer> {
  const reply = await fetch(`${app.url}/api${url}`, { headers, redirect: 'manual' });
  return { status: reply.status, headers: reply.headers, body: await reply.text() };
}

it('no request made of the contract is answered otherwise than documented', {
  timeout: 300_000,
}, async () => {
  const requests = paths.flatMap((path) => fc.sample(requestTo(path), { numRuns: 40, seed: 19 }));
  const problems: string[] = [];
  const seen = new Set<string>();
  await inParallel(requests, 8, async (request) => {
    const path = pathOf(request);
    if (path === undefined) return;
    const answer = await ask(request);
    seen.add(`${path} ${answer.status}`);
    const found = deviations(path, answer);
    if (answer.status >= 500 && path !== '/health') found.push(`it failed: ${answer.body}`);
    if (request.isWrong && ![400, 404].includes(answer.status) && path !== '/health')
      found.push(`a wrong parameter is answered ${answer.status}`);
    for (const problem of found)
      problems.push(`GET ${request.url.slice(0, 200)} ${JSON.stringify(request.headers)}: ${problem}`);
  });
  expect(problems).toEqual([]);
  // The requests are not all refused, and not all accepted: several paths gave each of these answers, also in an app of one stream.
  for (const status of ['200', '304', '400', '404'])
    expect([...seen].filter((each) => each.endsWith(` ${status}`)).length).toBeGreaterThan(1);
});

it('a key with a slash is asked for as %2F, or said not to be there', async ({ skip }) => {
  const statusOf = async (url: string) => {
    const answer = await ask({ path: '', url, headers: {}, isWrong: false });
    return [answer.status, JSON.parse(answer.body).detail];
  };
  expect(await statusOf('/counts/clickstream/a%2Fb')).toEqual([404, expect.stringContaining('a/b')]);
  if ((await statusOf('/assets'))[0] === 404) return skip('The project has no assets.');
  for (const url of ['/assets/a%2Fb', '/assets/a%2fb/history', '/latest/coincap/a%2Fb/history'])
    expect(await statusOf(url)).toEqual([200, undefined]);
  expect(await statusOf('/assets/a%2Fc/history')).toEqual([404, expect.stringContaining('a/c')]);
});
