/** The time over which the rate is computed. It is long enough that the moments of the commits hardly matter. */
const windowMs = 60_000;
const endsAfterMs = 15_000;

/** Clicks per second, from the totals of the last commits. */
export class Rate {
  readonly #samples: { atMs: number; total: number }[] = [];

  add(atMs: number, total: number): void {
    const last = this.#samples.at(-1);
    // If there are fewer clicks than before, this is another table.
    if (last && total < last.total) this.#samples.length = 0;
    if (!last || atMs > last.atMs) this.#samples.push({ atMs, total });
    while (this.#samples.length > 2 && (this.#samples[1]?.atMs ?? atMs) < atMs - windowMs)
      this.#samples.shift();
  }

  /** The rate; undefined until two commits were seen, and 0 if the last one was long ago. */
  perSecond(nowMs: number): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || first === last) return undefined;
    if (nowMs - last.atMs > endsAfterMs) return 0;
    return ((last.total - first.total) * 1000) / (last.atMs - first.atMs);
  }
}
