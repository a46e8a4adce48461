import { createServer } from 'node:http';
import { expect, it, onTestFinished, vi } from 'vitest';
import { checkHostStorage, checkLake } from '../../../src/lib/doctor/checkStorage';
import { listenOnLoopback } from '../../../src/lib/sameMachine';
import type { StorageAccount } from '../../../src/lib/storage/azureBlobStore';

/*
 * What only an account in Azure can have, told by a server that answers as storage does: a hierarchical namespace where none may be, a clock
 * that is not this machine's, and refusals.
 */

interface Account {
  readonly aheadMs?: number;
  readonly hasHierarchy?: boolean;
  /** The code with which requests of this method are refused. */
  readonly refuses?: { readonly method: string; readonly code: string };
}

/** An account that has every container. */
async function startAccount(account: Account) {
  const port = await startServer(account);
  const endpoint = `BlobEndpoint=http://127.0.0.1:${port}/one`;
  return { connectionString: `${withKey};${endpoint}` };
}

/** An account as in Azure, whose name is not one of this machine. It is reached by way of a proxy. */
async function startInAzure(account: Account) {
  vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${await startServer(account)}`);
  vi.stubEnv('NO_PROXY', undefined);
  onTestFinished(() => void vi.unstubAllEnvs());
  return { connectionString: `${withKey};BlobEndpoint=http://one.blob.core.windows.net` };
}

const withKey = 'DefaultEndpointsProtocol=http;AccountName=one;AccountKey=c2VjcmV0';

async function startServer({ aheadMs = 0, hasHierarchy = false, refuses }: Account): Promise<number> {
  const server = createServer((request, response) => {
    request.resume();
    response.sendDate = false;
    if (request.method === refuses?.method) {
      response.writeHead(403, { 'x-ms-error-code': refuses?.code, 'content-type': 'application/xml' });
      response.end(`<Error><Code>${refuses?.code}</Code><Message>This is refused.</Message></Error>`);
      return;
    }
    response.writeHead(request.method === 'PUT' ? 201 : request.method === 'DELETE' ? 202 : 200, {
      date: new Date(Date.now() + aheadMs).toUTCString(),
      'x-ms-is-hns-enabled': String(hasHierarchy),
      'x-ms-version': '2025-01-05',
      etag: '"1"',
    });
    response.end();
  });
  const port = await listenOnLoopback(server);
  onTestFinished(() => void server.close());
  return port;
}

const statesOf = (findings: readonly { readonly what: string; readonly state: string }[]) =>
  findings.map(({ what, state }) => `${what}: ${state}`);

it.each([
  [0, 'ok'],
  [50_000, 'ok'],
  [10 * 60_000, 'wrong'],
  [-10 * 60_000, 'wrong'],
])('a clock of storage that is %d ms ahead is %s', async (aheadMs, state) => {
  const account = await startAccount({ aheadMs });
  const found = await checkHostStorage(() => account);
  expect(statesOf(found)).toEqual(['host storage: ok', `clock: ${state}`]);
  if (state === 'wrong')
    expect(found[1]?.says).toMatch(
      aheadMs > 0
        ? /^this machine's clock is (599|600) s behind that of one$/
        : /^this machine's clock is 60[0-2] s ahead of that of one$/,
    );
});

it('the storage of the host must not have a hierarchical namespace', async () => {
  const account = await startAccount({ hasHierarchy: true });
  const [found] = await checkHostStorage(() => account);
  expect(found).toMatchObject({
    state: 'wrong',
    says: expect.stringContaining('hierarchical namespace'),
    remedy: expect.stringContaining('AzureWebJobsStorage'),
  });
});

it('the lake can be read and written, and an emulator needs no hierarchical namespace', async () => {
  expect(statesOf(await checkLake(await startAccount({}), 'lake'))).toEqual(['lake: ok', 'lake folders: ok']);
});

it.each([
  [true, { state: 'ok' }],
  [false, { state: 'wrong', remedy: expect.stringContaining('az storage account hns-migration start') }],
])('a lake in Azure must have a hierarchical namespace: %s', async (hasHierarchy, folders) => {
  const [, found] = await checkLake(await startInAzure({ hasHierarchy }), 'lake');
  expect(found).toMatchObject({ what: 'lake folders', ...folders });
});

/** What is found of an account that is the host's own and the lake's, each beside its setting. */
const bothChecks = async (account: StorageAccount) =>
  [
    ['AzureWebJobsStorage', await checkHostStorage(() => account)],
    ['LakeStorage', await checkLake(account, 'lake')],
  ] as const;

it.each([
  ['AuthorizationPermissionMismatch', 'az role assignment create --role "Storage Blob Data'],
  ['AuthorizationFailure', 'az storage account network-rule add'],
  ['KeyBasedAuthenticationNotPermitted', '{setting}__accountName'],
  ['AuthenticationFailed', 'az storage account show-connection-string'],
  ['InsufficientAccountPermissions', 'storagerefused'],
])('a refusal with %s has the command that mends it', async (code, remedy) => {
  const account = await startInAzure({ refuses: { method: 'GET', code } });
  for (const [setting, [found]] of await bothChecks(account))
    expect(found).toMatchObject({
      state: 'wrong',
      says: expect.stringContaining(`403 ${code}`),
      remedy: expect.stringContaining(remedy.replace('{setting}', setting)),
    });
});

it.each(['AuthorizationFailure', 'AuthenticationFailed', 'InsufficientAccountPermissions'])(
  'a refusal of an emulator with %s has no command of Azure',
  async (code) => {
    const account = await startAccount({ refuses: { method: 'GET', code } });
    for (const [setting, [found]] of await bothChecks(account))
      expect(found).toMatchObject({
        state: 'wrong',
        remedy: `set ${setting} to a connection string that the emulator accepts; .local/settings.json has that of "npm start" or "npm run emulators" while it runs`,
      });
  },
);

it('a lake that can be read, and refuses to be written, has the role that is missing', async () => {
  const account = await startInAzure({ refuses: { method: 'PUT', code: 'AuthorizationPermissionMismatch' } });
  const [found] = await checkLake(account, 'lake');
  expect(found?.remedy).toMatch(/^give the identity the role "Storage Blob Data Contributor"/);
});
