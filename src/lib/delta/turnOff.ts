/*
 * How to turn off a feature or property that we refuse, in Spark SQL. docs.delta.io/delta-drop-feature says which features can be dropped,
 * as of Delta Lake 4.0.
 */

const droppable: ReadonlySet<string> = new Set([
  'deletionVectors',
  'columnMapping',
  'typeWidening',
  'typeWidening-preview',
  'v2Checkpoint',
  'checkConstraints',
  'inCommitTimestamp',
]);

/** Features that Delta Lake 4.0 cannot drop, but 4.1 can. */
const droppableLater: ReadonlySet<string> = new Set(['rowTracking', 'domainMetadata']);

/** A sentence with the statement that drops a table feature. */
export function howToDrop(feature: string): string {
  const drop = `Turn it off: ALTER TABLE <table> DROP FEATURE ${feature}`;
  if (droppable.has(feature)) return `${drop}.`;
  if (droppableLater.has(feature)) return `${drop}, which needs Delta Lake 4.1.`;
  const where = 'stands in docs.delta.io/delta-drop-feature';
  return feature === 'clustering'
    ? `Delta Lake 4.1 cannot drop ${feature}: copy the rows into a table without it. Whether a newer one can ${where}.`
    : `Whether it can be dropped, and how, ${where}; else copy the rows into a table without it.`;
}

/** The sentences for several features. With clustering, domainMetadata is left out, because it stays as long as clustering does. */
export function howToDropAll(features: readonly string[]): string {
  const stays = features.includes('clustering') ? 'domainMetadata' : undefined;
  return [...new Set(features.filter((feature) => feature !== stays).map(howToDrop))].join(' ');
}

/** A sentence with the statement that rewrites files with deletion vectors, without the deleted rows. */
export const howToPurge = 'Write such files anew: REORG TABLE <table> APPLY (PURGE).';

/** A sentence with the statement that removes a property of the table. */
export const howToUnset = (property: string): string =>
  property === 'delta.checkpointPolicy'
    ? `Turn it off: ALTER TABLE <table> SET TBLPROPERTIES ('${property}' = 'classic').`
    : property === 'delta.columnMapping.mode'
      ? howToDrop('columnMapping')
      : `Turn it off: ALTER TABLE <table> SET TBLPROPERTIES ('${property}' = 'false').`;

/** A sentence with the statement that drops a CHECK constraint. */
export const howToDropConstraint = (property: string): string =>
  `Drop it: ALTER TABLE <table> DROP CONSTRAINT ${property.replace('delta.constraints.', '')}.`;

/** A sentence that says how to remove a property of a column, like a default or a generation expression. */
export function howToChangeColumn(property: string): string {
  if (property.startsWith('delta.columnMapping.')) return howToDrop('columnMapping');
  return property === 'CURRENT_DEFAULT'
    ? 'Take the default away: ALTER TABLE <table> ALTER COLUMN <column> DROP DEFAULT.'
    : 'It cannot be turned off: copy the rows into a table without it.';
}
