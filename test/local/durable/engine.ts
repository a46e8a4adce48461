/** An engine for orchestrations, as the tests see it. */
export interface Engine {
  start(orchestrator: string, input?: unknown): Promise<string>;
  status(id: string): Promise<EngineStatus | undefined>;
  raise(id: string, event: string, input: unknown): Promise<void>;
  terminate(id: string, reason: string): Promise<void>;
  suspend(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  purge(id: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface EngineStatus {
  status: string;
  output: unknown;
  customStatus: unknown;
}

/** Waits until an orchestration is over. */
export async function ended(engine: Engine, id: string, limitMs = 20_000): Promise<EngineStatus> {
  const until = Date.now() + limitMs;
  for (;;) {
    const status = await engine.status(id);
    if (status && ['Completed', 'Failed', 'Terminated'].includes(status.status)) return status;
    if (Date.now() > until) throw new Error(`${id} is not over: ${JSON.stringify(status)}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}
