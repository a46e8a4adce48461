/** What to do instead of the features of Durable Functions that this host does not have. */
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

/** The error for a feature of Durable Functions that this host does not have: what, and what to do instead. */
export function notSupported(feature: string): Error {
  const verb = feature.endsWith('s') && !feature.includes(' ') ? 'are' : 'is';
  const what = advice[feature];
  return new Error(
    `${feature} ${verb} not supported by the local host.${what === undefined ? '' : ` ${what}`}`,
  );
}
