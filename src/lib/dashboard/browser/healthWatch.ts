import { askHealth, type Health } from './api.js';

const everyMs = 15_000;

/** Asks again and again how the app is, beside everything else: an answer that takes long holds up no numbers. */
export class HealthWatch {
  readonly #onAnswer: (health: Health | undefined) => void;
  #isAsking = false;

  /** @param onAnswer is told what the app says, and undefined if it says nothing */
  constructor(onAnswer: (health: Health | undefined) => void) {
    this.#onAnswer = onAnswer;
  }

  start(isPaused: () => boolean): void {
    const ask = () => {
      if (!isPaused() && document.visibilityState === 'visible') void this.#ask();
    };
    ask();
    window.setInterval(ask, everyMs);
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#onAnswer(await askHealth().catch(() => undefined));
    this.#isAsking = false;
  }
}
