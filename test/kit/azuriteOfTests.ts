import { afterAll, beforeAll } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';

/** A storage emulator for all tests of a file. It runs from the file's `beforeAll` on. */
export function azuriteOfTests(): Pick<Azurite, 'blobPort' | 'connectionString'> {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(async () => {
    await azurite?.close();
  });
  return {
    get blobPort() {
      return azurite.blobPort;
    },
    get connectionString() {
      return azurite.connectionString;
    },
  };
}
