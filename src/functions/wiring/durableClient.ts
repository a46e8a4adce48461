import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { noInstance, orProblem } from '../../lib/app/orchestrationRequests';
import { logTo } from '../../lib/log';

/** A handler that gets a durable client. The lines that it logs belong to its invocation. */
export const loggedWithClient =
  <Input, Output>(handler: (input: Input, client: df.DurableClient) => Promise<Output>) =>
  (input: Input, client: df.DurableClient, context: InvocationContext): Promise<Output> =>
    logTo(context, () => handler(input, client));

/** Registers a function that answers requests about orchestrations. It needs the app's master key, because it starts much work. */
export function registerAdminRequest(
  name: string,
  method: 'GET' | 'POST',
  route: string,
  answer: (request: HttpRequest, client: df.DurableClient) => Promise<HttpResponseInit>,
): void {
  df.app.client.http(name, {
    methods: [method],
    route,
    authLevel: 'admin',
    handler: loggedWithClient((request: HttpRequest, client) => orProblem(() => answer(request, client))),
  });
}

/** An instance to be run. Of the instances with one id, only one runs at a time. */
export interface Instance {
  readonly name: string;
  readonly id: string;
  readonly input: unknown;
}

/** How often the start of an instance is tried. A try is repeated if the instance that was in the way has ended when it is asked for. */
const mostStarts = 5;

/**
 * Starts an instance, unless it runs already. Asking first whether it runs would be a race, so the host is asked to start it, and
 * refuses: with 500, or in newer extensions with 409.
 * @returns the status of the one that runs; undefined if this one was started
 */
export async function startUnlessRunning(
  client: df.DurableClient,
  { name, id, input }: Instance,
): Promise<df.DurableOrchestrationStatus | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      await client.startNew(name, { instanceId: id, input });
      return undefined;
    } catch (error) {
      const status = await findStatus(client, id).catch(() => undefined);
      if (status && !isOver(status)) return status;
      // If there is one that is over, it may have run when the host refused, and ended since.
      if (!status || tries >= mostStarts) throw error;
    }
  }
}

const over: readonly string[] = ['Completed', 'Failed', 'Terminated', 'Canceled'];
const isOver = ({ runtimeStatus }: df.DurableOrchestrationStatus): boolean => over.includes(runtimeStatus);

/** The status of an instance; undefined if there is none. */
export async function findStatus(
  client: df.DurableClient,
  id: string,
): Promise<df.DurableOrchestrationStatus | undefined> {
  try {
    return await client.getStatus(id);
  } catch (error) {
    // A found instance that is over may have been running when the host refused, and may have ended since. So the start is tried again.
    if (error instanceof Error && error.message.includes('HTTP 404')) return undefined;
    throw error;
  }
}

/**
 * Starts an instance and answers as Durable Functions does, with the addresses by which it is watched. `started` is false if one
 * runs already; then `running` is what that one was asked for, which may be something else.
 */
export async function startAndAnswer(
  request: HttpRequest,
  client: df.DurableClient,
  instance: Instance,
): Promise<HttpResponseInit> {
  const running = await startUnlessRunning(client, instance);
  const answer = client.createCheckStatusResponse(request, instance.id);
  const addresses = (await answer.json()) as Readonly<Record<string, string>>;
  const told = running ? { started: false, running: running.input } : { started: true };
  return { status: answer.status, headers: answer.headers, jsonBody: { ...addresses, ...told } };
}

/**
 * Answers with the status of an instance, as Durable Functions tells it: 202 while it runs, 200 when it is over.
 * @param missing what to answer with 404 if there is none
 */
export async function answerStatus(
  client: df.DurableClient,
  id: string,
  missing: string,
): Promise<HttpResponseInit> {
  const status = await findStatus(client, id);
  if (!status) throw noInstance(missing);
  const { name, instanceId, runtimeStatus, input, customStatus, output, createdTime, lastUpdatedTime } =
    status;
  return {
    status: isOver(status) ? 200 : 202,
    headers: { 'cache-control': 'no-store' },
    jsonBody: {
      name,
      instanceId,
      runtimeStatus,
      input,
      customStatus: customStatus ?? null,
      output,
      createdTime,
      lastUpdatedTime,
    },
  };
}
