import { randomUUID } from 'node:crypto';
import type { Instance, Task } from './instance';

export interface ClaimsOptions {
  /** This host's name. */
  host: string;
  /** How many activities run here at once. */
  limit: number;
}

/** The activities that this host has claimed, or is about to claim, by their tokens. */
export class Claims {
  readonly #tokens = new Set<string>();
  readonly #gone = new Set<string>();
  readonly #options: ClaimsOptions;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  get free(): number {
    return this.#options.limit - this.#tokens.size;
  }

  /** Records which other hosts have ended. */
  setGone(hosts: readonly string[]): void {
    this.#gone.clear();
    for (const host of hosts) this.#gone.add(host);
  }

  /**
   * Whether a task waits for a host. A claim of this host with an unknown token counts as free: its reply was lost, or the host made it
   * before it was restarted under the same name.
   */
  isFree({ claim }: Task): boolean {
    if (!claim) return true;
    return claim.host === this.#options.host ? !this.#tokens.has(claim.token) : this.#gone.has(claim.host);
  }

  /**
   * Claims as many tasks that this host can run as it has room for, and `ending` more, because so many are about to end. Also returns the
   * new tokens, which are in use from now on.
   */
  claim(
    instance: Instance,
    canRun: (task: Task) => boolean,
    ending: number,
  ): { next: Instance; tokens: string[] } {
    const tokens: string[] = [];
    const tasks = instance.tasks.map((task) => {
      if (this.free + ending <= 0 || !this.isFree(task) || !canRun(task)) return task;
      const token = randomUUID();
      tokens.push(token);
      this.#tokens.add(token);
      return { ...task, claim: { host: this.#options.host, token } };
    });
    return { next: tokens.length > 0 ? { ...instance, tasks } : instance, tokens };
  }

  release(tokens: readonly string[]): void {
    for (const token of tokens) this.#tokens.delete(token);
  }
}
