import { TributaryError } from '../errors';
import type { Metadata, Protocol } from './actions';
import { howToChangeColumn, howToDrop, howToDropAll, howToDropConstraint, howToUnset } from './turnOff';

/** The protocol of our own tables. It demands as little of readers and writers as possible, and Synapse serverless can read it. */
export const ourProtocol: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

/** A feature that stays in some tables after another feature was dropped: see `checkpointsProtectedBefore`. */
const checkpointProtection = 'checkpointProtection';

/** Features of PROTOCOL.md, "Table Features", to which a reader need not do anything as long as it deletes no files. */
const readableFeatures = new Set(['vacuumProtocolCheck']);
/**
 * Writer features that a table may have. The first ones bind us to rules that we keep (for checkpointProtection, `cleanLog` does).
 * The others are not implemented. They do no harm as long as nothing uses them, and a property of the table or of a column that uses one
 * is refused. So a table in which they were turned on and off again takes commits, although the features are still listed.
 */
const writableFeatures = new Set([
  ...['appendOnly', 'vacuumProtocolCheck', checkpointProtection],
  ...['invariants', 'checkConstraints', 'changeDataFeed', 'generatedColumns', 'allowColumnDefaults'],
  ...['identityColumns', 'inCommitTimestamp'],
]);
/** Writer versions up to this one stand only for these features, and for column mapping, which is recognised by its table properties. */
const newestLegacyWriter = 6;

/** Table properties that demand rules of a writer of version 2 which are not implemented here. */
const bindingProperties: readonly (readonly [string, RegExp])[] = [
  ['delta.enableChangeDataFeed', /^true$/i],
  ['delta.enableDeletionVectors', /^true$/i],
  ['delta.enableRowTracking', /^true$/i],
  ['delta.enableInCommitTimestamps', /^true$/i],
  ['delta.columnMapping.mode', /^(id|name)$/i],
  ['delta.checkpointPolicy', /^v2$/i],
];

/** The features because of which the table cannot be read; reader version 2 stands for one. Empty if there is none that has a name. */
function unreadableFeatures({ minReaderVersion, readerFeatures = [] }: Protocol): readonly string[] {
  if (minReaderVersion === 2) return ['columnMapping'];
  return minReaderVersion === 3 ? readerFeatures.filter((feature) => !readableFeatures.has(feature)) : [];
}

/** The features because of which the table cannot be written, in the order in which they can be dropped. */
function unwritableFeatures({ minWriterVersion, writerFeatures = [] }: Protocol): readonly string[] {
  if (minWriterVersion !== 7) return [];
  // Row tracking and clustering need domainMetadata, so it can only be dropped after them.
  return writerFeatures
    .filter((feature) => !writableFeatures.has(feature))
    .sort((a, b) => Number(a === 'domainMetadata') - Number(b === 'domainMetadata'));
}

export const isReadable = (protocol: Protocol): boolean =>
  protocol.minReaderVersion === 1 ||
  (protocol.minReaderVersion === 3 && unreadableFeatures(protocol).length === 0);

/**
 * Throws `delta.unsupported` if the table cannot be read correctly. It names all features that prevent reading, and those that would then
 * prevent writing, so that all of them can be turned off at once.
 */
export function ensureReadable(protocol: Protocol, where: string): void {
  if (isReadable(protocol)) return;
  const { minReaderVersion } = protocol;
  const unknown = unreadableFeatures(protocol);
  if (unknown.length === 0)
    throw unsupported(
      where,
      `reading needs reader version ${minReaderVersion}; implemented are 1, and 3 with ${[...readableFeatures].join(', ')}.`,
    );
  const others = unwritableFeatures(protocol).filter((feature) => !unknown.includes(feature));
  const writing = others.length > 0 ? ` Writing needs ${others.join(', ')} as well.` : '';
  const remedy = howToDropAll([...unknown, ...others]);
  throw unsupported(where, `reading needs ${listed(unknown)} not implemented.${writing} ${remedy}`);
}

/** Features as the beginning of a sentence, up to its verb. */
const listed = (features: readonly string[]): string =>
  features.length === 1
    ? `the table feature ${features[0]}, which is`
    : `the table features ${features.join(', ')}, which are`;

/** @param refusal a sentence that names no table, because it is shown to anybody */
export const unsupported = (where: string, refusal: string): TributaryError =>
  new TributaryError('delta.unsupported', `${where}: ${refusal}`, { refusal });

/** The error for a log that begins with a checkpoint which is not read here, although the protocol is in it. */
export const withV2Checkpoint = (where: string): TributaryError =>
  unsupported(
    where,
    `the log begins with a checkpoint of the table feature v2Checkpoint, which is not implemented. ${howToDrop('v2Checkpoint')}`,
  );

/** Throws `delta.unsupported`, naming the feature, when a commit of ours could break the table's rules. */
export function ensureWritable(protocol: Protocol, metadata: Metadata, where: string): void {
  ensureReadable(protocol, where);
  const refuse = (what: string, remedy?: string): never => {
    const text = `writing needs ${what}, which is not implemented.`;
    throw unsupported(where, remedy === undefined ? text : `${text} ${remedy}`);
  };
  const { minWriterVersion } = protocol;
  const unknown = unwritableFeatures(protocol);
  if (unknown.length > 0)
    throw unsupported(where, `writing needs ${listed(unknown)} not implemented. ${howToDropAll(unknown)}`);
  if (minWriterVersion !== 7 && minWriterVersion > newestLegacyWriter)
    refuse(`writer version ${minWriterVersion}`);
  for (const [name, on] of bindingProperties) {
    const value = metadata.configuration[name];
    if (value !== undefined && on.test(value))
      refuse(`the table property ${name}=${value}`, howToUnset(name));
  }
  const constraint = Object.keys(metadata.configuration).find((name) =>
    name.startsWith('delta.constraints.'),
  );
  if (constraint) refuse(`the check constraint ${constraint}`, howToDropConstraint(constraint));
  const special =
    /"(delta\.(?:invariants|generationExpression|identity\.[a-z]+|columnMapping\.[a-z]+))"|"(CURRENT_DEFAULT)"/i;
  const found = special.exec(metadata.schemaString);
  const property = found?.[1] ?? found?.[2];
  if (property !== undefined) refuse(`the column property ${property}`, howToChangeColumn(property));
  if (metadata.partitionColumns.length > 0) refuse('partition columns');
}

/**
 * The version below which the log may only be cleaned as a whole (PROTOCOL.md, "Checkpoint Protection"). A feature was on for some of these
 * versions, and a writer that does not know it must not leave only a part of them. 0 if any part may be cleaned.
 */
export function checkpointsProtectedBefore({ writerFeatures = [] }: Protocol, metadata: Metadata): number {
  if (!writerFeatures.includes(checkpointProtection)) return 0;
  const version = Number(metadata.configuration['delta.requireCheckpointProtectionBeforeVersion'] ?? 0);
  return Number.isSafeInteger(version) ? version : Number.POSITIVE_INFINITY;
}
