import { afterEach, expect, it, vi } from 'vitest';
import { loadDuckDb } from '../../../../src/lib/warehouse/duckdb/loadDuckDb';

afterEach(() => {
  vi.doUnmock('@duckdb/node-api');
});

it('says what needs the package, and keeps the cause, where it cannot be loaded', async () => {
  const cause = new Error('libduckdb.so: cannot open shared object file');
  vi.doMock('@duckdb/node-api', () => {
    throw cause;
  });
  await expect(loadDuckDb('npm run query')).rejects.toMatchObject({
    code: 'warehouse.refused',
    message: expect.stringMatching(/^npm run query needs the package @duckdb\/node-api.*run npm ci/),
    cause: expect.objectContaining({ cause }),
  });
});
