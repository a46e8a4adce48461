/** The path of the management API in a host. */
export const managementPath = '/runtime/webhooks/durabletask';

/** The package puts the id of an instance here. */
const idPlaceholder = 'INSTANCEID';

/** The addresses by which an instance is managed. */
export function managementUrls(hostUrl: string, taskHub: string, id: string): Record<string, string> {
  const query = queryOf(taskHub);
  const instance = `${hostUrl}${managementPath}/instances/${id}`;
  return {
    id,
    statusQueryGetUri: `${instance}?${query}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${query}`,
    terminatePostUri: `${instance}/terminate?reason={text}&${query}`,
    rewindPostUri: `${instance}/rewind?reason={text}&${query}`,
    purgeHistoryDeleteUri: `${instance}?${query}`,
    restartPostUri: `${instance}/restart?${query}`,
    suspendPostUri: `${instance}/suspend?reason={text}&${query}`,
    resumePostUri: `${instance}/resume?reason={text}&${query}`,
  };
}

/** The input of a function with a `durableClient` binding, as JSON. */
export function clientPayload(hostUrl: string, taskHub: string): string {
  const baseUrl = `${hostUrl}${managementPath}`;
  const query = queryOf(taskHub);
  return JSON.stringify({
    taskHubName: taskHub,
    creationUrls: {
      createNewInstancePostUri: `${baseUrl}/orchestrators/{functionName}[/{instanceId}]?${query}`,
    },
    managementUrls: managementUrls(hostUrl, taskHub, idPlaceholder),
    baseUrl,
    requiredQueryStringParameters: query,
    rpcBaseUrl: `${baseUrl}/`,
  });
}

const queryOf = (taskHub: string) => `taskHub=${taskHub}&connection=Storage`;
