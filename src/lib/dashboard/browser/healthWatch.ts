import { askHealth, type Health } from './api.js';

const everyMs = 15_000;

/** Asks again and again for the app's health. It runs on its own, so that a slow answer does not hold up the numbers. */
export class HealthWatch {
  readonly #onAnswer: (health: Health | undefined) => void;
  #isAsking = false;

  /** @param onAnswer receives the app's health, and undefined if the app does not answer */
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
