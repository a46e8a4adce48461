import type { HubConnection } from '../connections/hubs';
import { within } from '../deadline';
import { waitFor } from '../longWait';
import { isThisMachine } from '../sameMachine';
import { closeSoon, openHubClient } from '../sources/hubClient';
import { describeHubError, isNotFound } from '../sources/hubErrors';
import { probeReader, probeSender } from '../sources/probeHub';
import { type Finding, ofLaptop, ok, unknown, wrong } from './finding';

export interface HubToCheck {
  readonly stream: string;
  /** The setting that names the hub. */
  readonly hubSetting: string;
  readonly listen: HubConnection;
  readonly consumerGroup: string;
  readonly send: HubConnection;
}

const answerLimitMs = 15_000;

/** Examines a stream's hub: whether it exists, whether the app's consumer group exists, and whether the app may send. */
export async function checkHub({
  stream,
  hubSetting,
  listen,
  consumerGroup,
  send,
}: HubToCheck): Promise<Finding[]> {
  const found = await checkProperties(`hub of ${stream}`, listen, hubSetting);
  const readers = `readers of ${stream}`;
  const sender = `sending to ${stream}`;
  if (!found.partitionId) {
    const because = 'not looked at, because the hub does not answer';
    return [found.finding, unknown(readers, because), unknown(sender, because)];
  }
  const { name, partitionId } = found;
  return [
    found.finding,
    await checkGroup(readers, name, listen, { consumerGroup, partitionId }),
    await checkSender(sender, name, send),
  ];
}

async function checkProperties(
  what: string,
  { namespace, hub }: HubConnection,
  hubSetting: string,
): Promise<{ finding: Finding; name: string; partitionId?: string | undefined }> {
  const client = await openHubClient(namespace, hub);
  const name = shortName(client.fullyQualifiedNamespace);
  try {
    const asked = within(answerLimitMs, (abortSignal) => client.getEventHubProperties({ abortSignal }));
    const { partitionIds } = await waitFor(`hub ${hub}`, asked);
    const finding = ok(what, `${name} has the hub ${hub} with ${partitionIds.length} partitions`);
    return { finding, name, partitionId: partitionIds[0] };
  } catch (error) {
    const remedy = isNotFound(error)
      ? orHere(
          name,
          `set ${hubSetting} to a hub that the emulator has`,
          `az eventhubs eventhub create --resource-group GROUP --namespace-name ${name} --name ${hub} --partition-count 4`,
        )
      : remedyOf(error, name, { role: 'Azure Event Hubs Data Receiver', right: 'Listen' });
    return { finding: wrong(what, `${hub} in ${name}: ${describeHubError(error).why}`, remedy), name };
  } finally {
    await closeSoon(client);
  }
}

async function checkGroup(
  what: string,
  name: string,
  { namespace, hub }: HubConnection,
  group: { readonly consumerGroup: string; readonly partitionId: string },
): Promise<Finding> {
  const { consumerGroup } = group;
  try {
    const isRead = await probeReader(namespace, hub, group);
    const reader = isRead
      ? ', and an app does'
      : `; no app reads partition ${group.partitionId} now, for example because it is stopped or, in Azure, because no events come`;
    return ok(what, `the consumer group ${consumerGroup} can read ${hub}${reader}`);
  } catch (error) {
    const remedy = isNotFound(error)
      ? orHere(
          name,
          'set CONSUMER_GROUP to one that the emulator has',
          `az eventhubs eventhub consumer-group create --resource-group GROUP --namespace-name ${name} --eventhub-name ${hub} --name ${consumerGroup}`,
        )
      : remedyOf(error, name, { role: 'Azure Event Hubs Data Receiver', right: 'Listen' });
    return wrong(
      what,
      `the consumer group ${consumerGroup} of ${hub}: ${describeHubError(error).why}`,
      remedy,
    );
  }
}

async function checkSender(what: string, name: string, { namespace, hub }: HubConnection): Promise<Finding> {
  try {
    await probeSender(namespace, hub);
    return ok(what, `events can be sent to ${hub}`);
  } catch (error) {
    return wrong(
      what,
      `${hub}: ${describeHubError(error).why}`,
      `${remedyOf(error, name, { role: 'Azure Event Hubs Data Sender', right: 'Send' })}; it is not needed if only others send to this hub`,
    );
  }
}

/** The remedy for an emulator on this machine, where no command of Azure helps, or for a namespace in Azure. */
const orHere = (name: string, here: string, inAzure: string): string =>
  isThisMachine(name) ? `${here}${ofLaptop}` : inAzure;

function remedyOf(
  error: unknown,
  name: string,
  { role, right }: { readonly role: string; readonly right: string },
): string {
  if (describeHubError(error).code === 'hub.refused')
    return orHere(
      name,
      `set a connection string with a policy of the emulator that has ${right}`,
      `give the identity the role "${role}", or set a connection string with a policy that has ${right}`,
    );
  return isThisMachine(name)
    ? 'the broker is stopped or busy: end the run that it belongs to, and start it again'
    : 'see that the namespace is right, that it is there, and that its firewall lets this machine in';
}

/** The name of a namespace without its domain. */
const shortName = (host: string): string =>
  host.endsWith('.servicebus.windows.net') ? (host.split('.')[0] ?? host) : host;
