import { describe, expect, it } from 'vitest';
import type { Metadata, Protocol } from '../../../src/lib/delta/actions';
import { ensureWritable } from '../../../src/lib/delta/protocol';
import { type Field, field, serializeSchema } from '../../../src/lib/delta/schema';

const withFeatures = (...writerFeatures: string[]): Protocol => ({
  minReaderVersion: 1,
  minWriterVersion: 7,
  writerFeatures,
});

const metadataOf = (...fields: Field[]): Metadata => ({
  id: 'a table',
  format: { provider: 'parquet', options: {} },
  schemaString: serializeSchema(fields),
  partitionColumns: [],
  configuration: {},
});

const plain = metadataOf(field('id', 'long'));

describe('a table with writer features', () => {
  it("is written if our appends keep the features' rules", () => {
    const protocol = withFeatures('appendOnly', 'invariants', 'vacuumProtocolCheck');
    expect(() => ensureWritable(protocol, plain, 'events')).not.toThrow();
  });

  it('is refused with the name of an unknown feature', () => {
    expect(() => ensureWritable(withFeatures('invariants', 'rowTracking'), plain, 'events')).toThrow(
      'events: writing needs the table feature rowTracking, which is not implemented.',
    );
  });

  it.each([withFeatures('invariants'), { minReaderVersion: 1, minWriterVersion: 2 }])(
    'is refused when a column has an invariant: %j',
    (protocol) => {
      const metadata = { 'delta.invariants': '{"expression":{"expression":"id > 3"}}' };
      const bound = metadataOf({ ...field('id', 'long'), metadata });
      expect(() => ensureWritable(protocol, bound, 'events')).toThrow(
        'events: writing needs the column property delta.invariants, which is not implemented.',
      );
    },
  );
});
