import { TributaryError } from '../errors';
import type { Metadata, Protocol } from './actions';
import { howToChangeColumn, howToDrop, howToDropConstraint, howToUnset } from './turnOff';

/** What our own tables ask of readers and writers: the least there is, and all that Synapse serverless reads. */
export const ourProtocol: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

/** Features of PROTOCOL.md, "Table Features", that need nothing of a reader that does not delete files. */
const readableFeatures = new Set(['vacuumProtocolCheck']);
/** Writer features whose rules our appends and compactions keep; a schema that has an invariant is refused by itself. */
const writableFeatures = new Set(['appendOnly', 'invariants', 'vacuumProtocolCheck']);

/** Table properties that bind a legacy writer (version 2) to rules which we do not implement. */
const bindingProperties: readonly (readonly [string, RegExp])[] = [
  ['delta.enableChangeDataFeed', /^true$/i],
  ['delta.enableDeletionVectors', /^true$/i],
  ['delta.enableRowTracking', /^true$/i],
  ['delta.enableInCommitTimestamps', /^true$/i],
  ['delta.columnMapping.mode', /^(id|name)$/i],
  ['delta.checkpointPolicy', /^v2$/i],
];

const unreadableFeature = ({ readerFeatures = [] }: Protocol) =>
  readerFeatures.find((feature) => !readableFeatures.has(feature));

export const isReadable = (protocol: Protocol): boolean =>
  protocol.minReaderVersion === 1 ||
  (protocol.minReaderVersion === 3 && unreadableFeature(protocol) === undefined);

/** Throws `delta.unsupported`, naming the feature, when the table cannot be read correctly. */
export function ensureReadable(protocol: Protocol, where: string): void {
  if (isReadable(protocol)) return;
  const { minReaderVersion } = protocol;
  const unknown = minReaderVersion === 3 ? unreadableFeature(protocol) : undefined;
  throw new TributaryError(
    'delta.unsupported',
    unknown
      ? `${where}: reading needs the table feature ${unknown}, which is not implemented. ${howToDrop(unknown)}`
      : `${where}: reading needs reader version ${minReaderVersion}; implemented are 1, and 3 with ${[...readableFeatures].join(', ')}.`,
  );
}

/** Throws `delta.unsupported`, naming the feature, when a commit of ours could break the table's rules. */
export function ensureWritable(protocol: Protocol, metadata: Metadata, where: string): void {
  ensureReadable(protocol, where);
  const refuse = (what: string, remedy?: string): never => {
    const text = `${where}: writing needs ${what}, which is not implemented.`;
    throw new TributaryError('delta.unsupported', remedy === undefined ? text : `${text} ${remedy}`);
  };
  const { minWriterVersion, writerFeatures = [] } = protocol;
  if (minWriterVersion === 7) {
    const unknown = writerFeatures.find((feature) => !writableFeatures.has(feature));
    if (unknown) refuse(`the table feature ${unknown}`, howToDrop(unknown));
  } else if (minWriterVersion > 2) {
    refuse(`writer version ${minWriterVersion}`);
  }
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
