/*
 * The limits of this host: features that it does not have, and values that Azure would refuse.
 */

/** For each feature of Durable Functions that this host does not have, what to do instead. */
const advice: Readonly<Record<string, string>> = {
  'sub-orchestrations':
    'Call the activities from one orchestrator, or start another orchestration with the client.',
  entities: 'Keep such state in storage, and change it in an activity.',
  callHttp: 'Send the request in an activity.',
  retryTimeoutInMilliseconds:
    'An orchestrator cannot catch it in Azure either (azure-functions-durable-js #629): limit maxNumberOfAttempts.',
  rewind: 'Start the orchestration again.',
  restart: 'Start the orchestration again.',
  'waiting for the end of an orchestration in the request that starts it':
    'Start it, and then ask for its status.',
};

/** The error for a feature of Durable Functions that this host does not have. It says what to do instead. */
export function notSupported(feature: string): Error {
  const verb = /^(sub-orchestrations|entities|actions)\b/.test(feature) ? 'are' : 'is';
  const what = advice[feature];
  return new Error(
    `${feature} ${verb} not supported by the local host.${what === undefined ? '' : ` ${what}`}`,
  );
}

/** The most bytes of a payload. Durable Task Scheduler, which stores orchestrations in Azure, accepts no more. */
const payloadLimit = 1024 * 1024;
/** The most UTF-16 units of the custom status, which everywhere is limited to 16 KB. */
const customStatusLimit = 8 * 1024;

/** A sentence if a JSON value is too large to be stored in Azure; otherwise undefined. */
export function whyTooLarge(value: unknown, what: string): string | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(value ?? null));
  if (bytes <= payloadLimit) return undefined;
  return `${what} has ${bytes} bytes of JSON; accepted are ${payloadLimit}, as by Durable Task Scheduler in Azure. Store the data elsewhere, and pass on where it is.`;
}

/** A sentence if a custom status is too long; otherwise undefined. */
export function whyStatusTooLong(value: unknown): string | undefined {
  const { length } = JSON.stringify(value ?? null);
  if (length <= customStatusLimit) return undefined;
  return `The custom status has ${length} characters of JSON; accepted are ${customStatusLimit}, as in Azure. Put less into it.`;
}
