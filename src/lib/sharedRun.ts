/** Work that several callers ask for: one run at a time, which all who ask meanwhile wait for. */
export class SharedRun<T> {
  #underWay: Promise<T> | undefined;

  /** The run under way, if there is one. */
  get underWay(): Promise<T> | undefined {
    return this.#underWay;
  }

  /** Starts a run, unless one is under way. Resolves and rejects as the run does. */
  join(start: () => Promise<T>): Promise<T> {
    this.#underWay ??= start().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }
}
