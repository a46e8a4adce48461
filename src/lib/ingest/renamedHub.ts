import { TributaryError } from '../errors';
import { type HubGeneration, parseAppId } from '../lake/hubGeneration';

/**
 * Refuses a hub that the table only knows under another name of its namespace. A namespace can have several names: its own, an alias for
 * disaster recovery, and the name of a private endpoint. Both the trigger's checkpoints and the table's read positions belong to the name.
 * So under another name every event would be read again, and become a new row.
 *
 * Two hubs of one name that were made in the same millisecond count as one hub. It is practically impossible that two namespaces have such
 * hubs and that one table is filled from both.
 *
 * A table that has the hub under both names is not refused, because then neither name would be the right one.
 * @param committed the appIds of the table's txns
 * @param where names stream and partition
 * @throws `ingest.renamed`
 */
export function refuseRenamed(generation: HubGeneration, committed: Iterable<string>, where: string): void {
  const { hub, createdOn } = generation;
  const namespace = generation.namespace.toLowerCase();
  const known = new Set<string>();
  for (const appId of committed) {
    const parsed = parseAppId(appId);
    const isSame = parsed?.hub === hub.toLowerCase() && parsed.createdOn.getTime() === createdOn.getTime();
    if (parsed && isSame) known.add(parsed.namespace);
  }
  if (known.size === 0 || known.has(namespace)) return;
  const [first] = known;
  throw new TributaryError(
    'ingest.renamed',
    `${where}: the table knows the hub ${hub}, made at ${createdOn.toISOString()}, in the namespace ${first}, and the connection now ` +
      `names the namespace ${namespace}. That is the same hub under another name, and all its events would be read again. ` +
      `Let the stream's connection name ${first} again.`,
  );
}
