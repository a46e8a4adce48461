import { createServer } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { checkHostStorage, checkLake } from '../../../src/lib/doctor/checkStorage';
import { listenOnLoopback } from '../../../src/lib/sameMachine';

/*
 * What only an account in Azure can have, told by a server that answers as storage does: a hierarchical namespace where none may be, and a
 * clock that is not this machine's.
 */

interface Account {
  readonly aheadMs?: number;
  readonly hasHierarchy?: boolean;
}

/** An account that has every container. */
async function startAccount({ aheadMs = 0, hasHierarchy = false }: Account) {
  const server = createServer((request, response) => {
    request.resume();
    response.sendDate = false;
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
  const endpoint = `BlobEndpoint=http://127.0.0.1:${port}/one`;
  return {
    connectionString: `DefaultEndpointsProtocol=http;AccountName=one;AccountKey=c2VjcmV0;${endpoint}`,
  };
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
