/** The state of the page's connection to the API. */
export type Connection = 'connecting' | 'live' | 'failing' | 'paused' | 'key' | 'absent';

const everyMs = 1000;
const whileHiddenMs = 30_000;
const mostMs = 30_000;

export interface PollerOptions {
  /** Runs one round; throws if the API did not answer. */
  readonly round: () => Promise<void>;
  /** Tells which state of the connection a failed round means. */
  readonly classify: (error: unknown) => Connection;
  readonly onChange: (connection: Connection) => void;
}

/** Runs a round every second; less often while the page is hidden or rounds fail; never while paused. */
export class Poller {
  readonly #options: PollerOptions;
  #connection: Connection = 'connecting';
  #failures = 0;
  #timer = 0;
  #running = false;
  #again = false;

  constructor(options: PollerOptions) {
    this.#options = options;
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.now();
    });
    window.addEventListener('online', () => this.now());
  }

  get paused(): boolean {
    return this.#connection === 'paused';
  }

  pause(): void {
    window.clearTimeout(this.#timer);
    this.#set('paused');
  }

  /** Starts, or continues after a pause, with a round at once. */
  start(): void {
    this.#set('connecting');
    this.now();
  }

  /** Runs a round at once, or after the one that is under way; not while the page is paused. */
  now(): void {
    if (this.paused) return;
    this.#again = this.#running;
    if (this.#running) return;
    window.clearTimeout(this.#timer);
    void this.#round();
  }

  async #round(): Promise<void> {
    this.#running = true;
    let next: Connection = 'live';
    try {
      await this.#options.round();
      this.#failures = 0;
    } catch (error) {
      next = this.#options.classify(error);
      this.#failures++;
    }
    this.#running = false;
    if (this.paused) return;
    if (this.#again) return this.now();
    this.#set(next);
    this.#timer = window.setTimeout(() => this.now(), this.#waitMs());
  }

  /** Not `backoffMs` of the app, because the browser loads the files of this folder alone. */
  #waitMs(): number {
    const failing = Math.min(mostMs, everyMs * 2 ** this.#failures) * (0.75 + Math.random() / 2);
    const wait = this.#failures === 0 ? everyMs : failing;
    return document.visibilityState === 'hidden' ? Math.max(wait, whileHiddenMs) : wait;
  }

  #set(connection: Connection): void {
    this.#connection = connection;
    this.#options.onChange(connection);
  }
}
