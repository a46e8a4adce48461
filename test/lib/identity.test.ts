import { DefaultAzureCredential, ManagedIdentityCredential } from '@azure/identity';
import { describe, expect, it } from 'vitest';
import { openCredential } from '../../src/lib/identity';

describe('the credential of an identity', () => {
  it.each([
    [{ credential: 'managedidentity' } as const, ManagedIdentityCredential],
    [{ credential: 'managedidentity', clientId: 'id' } as const, ManagedIdentityCredential],
    [{}, DefaultAzureCredential],
    [{ clientId: 'id' }, DefaultAzureCredential],
  ])('of %j is the managed identity only if it says so', async (identity, kind) => {
    expect((await openCredential(identity)).constructor).toBe(kind);
  });
});
