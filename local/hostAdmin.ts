/*
 * The host's own endpoints.
 */

/** Stops all functions of a host whose name begins with `emit`. Resolves when none of them runs any more. */
export async function stopSources(apiUrl: string): Promise<void> {
  const reply = await fetch(`${apiUrl}/admin/host/status`, { signal: AbortSignal.timeout(10_000) });
  const { functions } = (await reply.json()) as { functions: { name: string; isDisabled?: boolean }[] };
  const sources = functions.filter(({ name, isDisabled }) => name.startsWith('emit') && !isDisabled);
  await Promise.all(sources.map(({ name }) => disableFunction(apiUrl, name)));
}

/** Disables a function. Resolves when it no longer runs. */
async function disableFunction(apiUrl: string, name: string): Promise<void> {
  const reply = await fetch(`${apiUrl}/admin/functions/${name}/state`, {
    method: 'PUT',
    body: '{"state":"disabled"}',
    signal: AbortSignal.timeout(30_000),
  });
  if (!reply.ok) throw new Error(`The host did not disable ${name}: it answered ${reply.status}.`);
}

/** Runs a function by hand, as its timer would. Resolves when the host has accepted that, or if it does not. */
export async function runFunction(apiUrl: string, name: string): Promise<void> {
  const request = { method: 'POST', signal: AbortSignal.timeout(10_000) };
  await fetch(`${apiUrl}/admin/functions/${name}`, request).catch(() => {});
}
