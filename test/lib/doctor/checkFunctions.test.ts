import { createServer } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { checkFunctions, compareFunctions, type OwnFunction } from '../../../src/lib/doctor/checkFunctions';
import { listenOnLoopback } from '../../../src/lib/sameMachine';

const own: OwnFunction[] = [
  { name: 'getClicks', isDisabled: false },
  { name: 'syncWarehouse', isDisabled: false },
  { name: 'emitCoincap', isDisabled: false, switchedBy: { setting: 'COINCAP_API_KEY', isOff: true } },
];
const inAzure = new URL('https://one.azurewebsites.net');
const listed = (...names: string[]) => names.map((name) => ({ name, isDisabled: false }));

it('does not call it wrong if an app elsewhere has other settings, because it has its own', () => {
  const found = compareFunctions(
    own,
    [...listed('getClicks', 'emitCoincap'), { name: 'syncWarehouse', isDisabled: true }],
    inAzure,
  );
  expect(found).toEqual([
    {
      what: 'functions',
      state: 'ok',
      says: 'https://one.azurewebsites.net lists 3 functions, those of this version; disabled: syncWarehouse',
    },
    {
      what: 'functions',
      state: 'unknown',
      says: 'https://one.azurewebsites.net has syncWarehouse disabled, and these settings do not disable it: the app has settings of its own',
    },
    {
      what: 'functions',
      state: 'unknown',
      says: 'https://one.azurewebsites.net lists emitCoincap, which COINCAP_API_KEY of these settings leaves out: the app has settings of its own',
    },
  ]);
});

it('calls another version wrong, wherever the app is', () => {
  expect(compareFunctions(own, listed('getClicks', 'getTicks'), inAzure)).toEqual([
    {
      what: 'functions',
      state: 'wrong',
      says: 'https://one.azurewebsites.net does not list syncWarehouse, and lists getTicks, which this version does not have',
      remedy: expect.stringContaining('azd deploy app --from-package'),
    },
  ]);
});

it('says how it is told where the app is', async () => {
  expect(await checkFunctions(own, undefined)).toEqual([
    { what: 'functions', state: 'unknown', says: expect.stringMatching(/^not looked at: --url https:/) },
  ]);
});

/** What is said of an app that answers so. The key that it was asked with is in the header. */
async function saidOf(status: number, text: string) {
  const server = createServer((request, response) => {
    const isAllowed = request.headers['x-functions-key'] === 'master';
    response.writeHead(isAllowed ? status : 401).end(text);
  });
  const port = await listenOnLoopback(server);
  onTestFinished(() => void server.close());
  const url = new URL(`http://127.0.0.1:${port}`);
  const [found] = await checkFunctions(own, { url, key: 'master' });
  const [refused] = await checkFunctions(own, { url, key: undefined });
  expect(refused).toMatchObject({
    state: 'unknown',
    says: expect.stringMatching(/--key must be the master key of the app, and --url its address$/),
  });
  return found;
}

it.each([
  [503, '', 'answered 503'],
  [404, '', 'answered 404'],
  [200, '<html>', 'answered no JSON'],
  [200, '{"name":"one"}', 'answered no list of functions'],
  [200, '[{"name":1}, null]', 'answered no list of functions'],
])(
  'has not looked if the answer is %d %j, and names the option for the address',
  async (status, text, says) => {
    expect(await saidOf(status, text)).toMatchObject({
      state: 'unknown',
      says: expect.stringMatching(
        new RegExp(`${says}: is that the function app\\? --url tells where it is$`),
      ),
    });
  },
);

it('takes the list of the real host, which tells more of each function', async () => {
  const answer = own
    .filter(({ switchedBy }) => !switchedBy)
    .map(({ name }) => ({ name, script_href: null, language: 'node', config: { bindings: [] } }));
  expect(await saidOf(200, JSON.stringify(answer))).toMatchObject({ state: 'ok' });
});
