import { describe, expect, it } from 'vitest';
import type { Metadata, Protocol } from '../../../src/lib/delta/actions';
import { ensureReadable, ensureWritable } from '../../../src/lib/delta/protocol';
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
    const protocol = withFeatures('appendOnly', 'invariants', 'vacuumProtocolCheck', 'checkpointProtection');
    expect(() => ensureWritable(protocol, plain, 'events')).not.toThrow();
  });

  it.each([
    'checkConstraints',
    'changeDataFeed',
    'generatedColumns',
    'allowColumnDefaults',
    'identityColumns',
    'inCommitTimestamp',
  ])('is written where %s is not in use (any more)', (feature) => {
    expect(() => ensureWritable(withFeatures(feature), plain, 'events')).not.toThrow();
  });

  it('is refused with the name of an unknown feature', () => {
    expect(() => ensureWritable(withFeatures('invariants', 'rowTracking'), plain, 'events')).toThrow(
      'events: writing needs the table feature rowTracking, which is not implemented.',
    );
  });

  it('is refused with the names of all unknown features, and what is known about each', () => {
    const refused = () =>
      ensureWritable(withFeatures('domainMetadata', 'clustering', 'v2Checkpoint'), plain, 'events');
    expect(refused).toThrow(
      'the table features clustering, v2Checkpoint, domainMetadata, which are not implemented.',
    );
    expect(refused).toThrow('docs.delta.io/delta-drop-feature');
    expect(refused).toThrow('DROP FEATURE v2Checkpoint.');
    expect(refused).not.toThrow('DROP FEATURE domainMetadata');
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

describe('a table of an older protocol', () => {
  it.each([1, 2, 3, 4, 5, 6])(
    'is written if its writer version is %d, and nothing of it is in use',
    (minWriterVersion) => {
      expect(() => ensureWritable({ minReaderVersion: 1, minWriterVersion }, plain, 'events')).not.toThrow();
    },
  );

  it.each([8, 9])('is refused if its writer version is %d', (minWriterVersion) => {
    expect(() => ensureWritable({ minReaderVersion: 1, minWriterVersion }, plain, 'events')).toThrow(
      `events: writing needs writer version ${minWriterVersion}, which is not implemented.`,
    );
  });

  const legacy: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

  it.each([
    ['delta.enableChangeDataFeed', 'true', 'false'],
    ['delta.enableDeletionVectors', 'TRUE', 'false'],
    ['delta.enableRowTracking', 'true', ''],
    ['delta.enableInCommitTimestamps', 'true', 'untrue'],
    ['delta.columnMapping.mode', 'name', 'none'],
    ['delta.columnMapping.mode', 'id', 'idle'],
    ['delta.checkpointPolicy', 'v2', 'classic'],
  ])('is refused with the property %s=%s, not with %s', (name, on, off) => {
    const bound = { ...plain, configuration: { [name]: on } };
    expect(() => ensureWritable(legacy, bound, 'events')).toThrow(
      `events: writing needs the table property ${name}=${on}, which is not implemented.`,
    );
    const free = { ...plain, configuration: { [name]: off } };
    expect(() => ensureWritable(legacy, free, 'events')).not.toThrow();
  });

  it.each([2, 3, 6])(
    'of version %d is refused with a check constraint and with partition columns',
    (minWriterVersion) => {
      const old = { ...legacy, minWriterVersion };
      const checked = {
        ...plain,
        configuration: { 'delta.appendOnly': 'true', 'delta.constraints.a': 'id > 3' },
      };
      expect(() => ensureWritable(old, checked, 'events')).toThrow(
        'the check constraint delta.constraints.a',
      );
      const partitioned = { ...plain, partitionColumns: ['id'] };
      expect(() => ensureWritable(old, partitioned, 'events')).toThrow('partition columns');
    },
  );

  it.each([
    'delta.generationExpression',
    'delta.identity.start',
    'delta.columnMapping.id',
    'CURRENT_DEFAULT',
  ])('is refused with the column property %s', (property) => {
    const bound = metadataOf({ ...field('id', 'long'), metadata: { [property]: '1' } });
    expect(() => ensureWritable(legacy, bound, 'events')).toThrow(`the column property ${property},`);
  });
});

const configured = (property: string, value: string): Metadata => ({
  ...plain,
  configuration: { [property]: value },
});
const withColumn = (property: string): Metadata =>
  metadataOf({ ...field('id', 'long'), metadata: { [property]: '1' } });

it.each<[string, Protocol, Metadata, string]>([
  ['a feature', withFeatures('v2Checkpoint'), plain, 'DROP FEATURE v2Checkpoint.'],
  ['a feature that stays', withFeatures('clustering'), plain, 'Delta Lake 4.1 cannot drop clustering: copy'],
  [
    'a feature of readers',
    { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['deletionVectors'] },
    plain,
    'DROP FEATURE deletionVectors.',
  ],
  [
    'a feature that may stay',
    withFeatures('icebergCompatV1'),
    plain,
    'Whether it can be dropped, and how, stands in docs.delta.io/delta-drop-feature',
  ],
  [
    'a property',
    withFeatures(),
    configured('delta.enableChangeDataFeed', 'true'),
    "SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'false').",
  ],
  [
    'the kind of checkpoints',
    withFeatures(),
    configured('delta.checkpointPolicy', 'v2'),
    "SET TBLPROPERTIES ('delta.checkpointPolicy' = 'classic').",
  ],
  [
    'column mapping',
    withFeatures(),
    configured('delta.columnMapping.mode', 'name'),
    'DROP FEATURE columnMapping.',
  ],
  ['a mapped column', withFeatures(), withColumn('delta.columnMapping.id'), 'DROP FEATURE columnMapping.'],
  [
    'a constraint',
    withFeatures(),
    configured('delta.constraints.positive', 'id > 0'),
    'DROP CONSTRAINT positive.',
  ],
  ['a default', withFeatures(), withColumn('CURRENT_DEFAULT'), 'ALTER COLUMN <column> DROP DEFAULT.'],
  ['an expression', withFeatures(), withColumn('delta.generationExpression'), 'It cannot be turned off'],
])('a refusal says how %s is turned off', (_, protocol, metadata, statement) => {
  expect(() => ensureWritable(protocol, metadata, 'events')).toThrow(statement);
});

describe('a table is read', () => {
  it.each<Protocol>([
    { minReaderVersion: 1, minWriterVersion: 7 },
    { minReaderVersion: 3, minWriterVersion: 7 },
    { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['vacuumProtocolCheck'] },
  ])('if we know its features: %j', (protocol) => {
    expect(() => ensureReadable(protocol, 'events')).not.toThrow();
  });

  it('but not with a feature that we do not know, which is named', () => {
    const protocol = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['vacuumProtocolCheck', 'deletionVectors'],
    };
    const refusal = 'events: reading needs the table feature deletionVectors, which is not implemented.';
    expect(() => ensureReadable(protocol, 'events')).toThrow(refusal);
    expect(() => ensureWritable(protocol, plain, 'events')).toThrow(refusal);
  });

  it('but not with several features that we do not know: all are named, also those of writers, each with its statement', () => {
    const features = ['v2Checkpoint', 'deletionVectors'];
    const protocol = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['vacuumProtocolCheck', ...features],
      writerFeatures: ['appendOnly', 'domainMetadata', 'rowTracking', 'vacuumProtocolCheck', ...features],
    };
    const refusal =
      'events: reading needs the table features v2Checkpoint, deletionVectors, which are not implemented. ' +
      'Writing needs rowTracking, domainMetadata as well. ' +
      'Turn it off: ALTER TABLE <table> DROP FEATURE v2Checkpoint. ' +
      'Turn it off: ALTER TABLE <table> DROP FEATURE deletionVectors. ' +
      'Turn it off: ALTER TABLE <table> DROP FEATURE rowTracking, which needs Delta Lake 4.1. ' +
      'Turn it off: ALTER TABLE <table> DROP FEATURE domainMetadata, which needs Delta Lake 4.1.';
    expect(() => ensureReadable(protocol, 'events')).toThrow(refusal);
    expect(() => ensureWritable(protocol, plain, 'events')).toThrow(refusal);
  });

  it('but not by reader version 2, which is that of column mapping', () => {
    const read = () => ensureReadable({ minReaderVersion: 2, minWriterVersion: 5 }, 'events');
    expect(read).toThrow('reading needs the table feature columnMapping, which is not implemented.');
    expect(read).toThrow('DROP FEATURE columnMapping.');
  });

  it.each([4, 5])('but not by reader version %d', (minReaderVersion) => {
    const read = () => ensureReadable({ minReaderVersion, minWriterVersion: 7 }, 'events');
    expect(read).toThrow(
      `events: reading needs reader version ${minReaderVersion}; implemented are 1, and 3 with vacuumProtocolCheck.`,
    );
    expect(read).toThrow(expect.objectContaining({ code: 'delta.unsupported' }));
  });
});
