import { askPart } from './askPart';

/*
 * The host's own endpoints.
 */

/**
 * How long to wait for an answer, in milliseconds. It is long, because a host with more events than the machine can handle answers late.
 */
const answerLimitMs = 30_000;

export interface HostFunction {
  readonly name: string;
  readonly type: string;
  readonly isDisabled?: boolean;
}

/** The functions of a host. */
export async function functionsOf(apiUrl: string): Promise<readonly HostFunction[]> {
  const { body } = await askPart('the Functions host', `${apiUrl}/admin/host/status`, {
    limitMs: answerLimitMs,
  });
  return (body as { functions: HostFunction[] }).functions;
}

/** Stops all functions of a host whose name begins with `emit`. Resolves when none of them runs any more. */
export async function stopSources(apiUrl: string): Promise<void> {
  const sources = (await functionsOf(apiUrl)).filter(
    ({ name, isDisabled }) => name.startsWith('emit') && !isDisabled,
  );
  await Promise.all(sources.map(({ name }) => disableFunction(apiUrl, name)));
}

/** Disables a function. Resolves when it no longer runs. */
async function disableFunction(apiUrl: string, name: string): Promise<void> {
  const { ok, status } = await askPart('the Functions host', `${apiUrl}/admin/functions/${name}/state`, {
    ...{ method: 'PUT', body: '{"state":"disabled"}', limitMs: answerLimitMs },
  });
  if (!ok) throw new Error(`The host did not disable ${name}: it answered ${status}.`);
}

/** Runs a function by hand, as its timer would. Resolves when the host has accepted that, or if it does not. */
export async function runFunction(apiUrl: string, name: string): Promise<void> {
  await askPart('the Functions host', `${apiUrl}/admin/functions/${name}`, { method: 'POST' }).catch(
    () => {},
  );
}
