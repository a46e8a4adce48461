import { expect, it } from 'vitest';
import { MemoryStore } from '../../../../src/lib/storage/memoryStore';
import { appWork } from '../appWork';

/** The SET statements of a batch, without those words in its texts. */
const setStatements = (batch: string) =>
  batch.replace(/'(?:[^']|'')*'/g, "''").match(/(?<=^|[;\n]\s*|\b(?:BEGIN|ELSE)\s+)SET [^;\n]*/gi) ?? [];

/** What the client sends when it connects. */
const isOfClient = (batch: string) => batch.startsWith('set ansi_nulls');

// An option outlives its batch on a connection that is kept. That of counting is set to what it is by default.
it.each(['pool', 'server'] as const)('no batch changes an option of its connection: %s', async (dialect) => {
  const { batches } = await appWork({ dialect, lake: new MemoryStore() });
  expect(batches.filter(isOfClient).length).toBeGreaterThan(0);
  const set = batches.filter((batch) => !isOfClient(batch)).flatMap(setStatements);
  expect([...new Set(set)]).toEqual(['SET NOCOUNT OFF']);
});
