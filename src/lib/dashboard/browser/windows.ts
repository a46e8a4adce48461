import { type Bucket, type Counted, Resource } from './api.js';

export interface WindowSteps {
  readonly step: number;
  readonly unit: 'm' | 'h';
  readonly count: number;
}

/** An answer that counts the clicks of a window: on one product, or in one category. */
export interface WindowAnswer extends Counted {
  readonly clicks?: number;
  readonly total?: number;
}

/**
 * The clicks over time on one product or in one category. The API tells them for windows of any length that end now, so what lies
 * between is the difference of two windows.
 */
export class Windows {
  readonly #resources: readonly Resource<WindowAnswer>[];

  /** @param pathOf the path of the API for a window, such as `5m` */
  constructor({ step, unit, count }: WindowSteps, pathOf: (last: string) => string) {
    const lengths = Array.from({ length: count }, (_, index) => `${(index + 1) * step}${unit}`);
    this.#resources = lengths.map((last) => new Resource<WindowAnswer>(pathOf(last)));
  }

  /** Oldest first; undefined if clicks were committed between the answers, which then do not belong together. */
  async get(key: string): Promise<readonly Bucket[] | undefined> {
    const replies = await Promise.all(this.#resources.map((resource) => resource.get(key)));
    return differences(replies.map(({ data }) => data));
  }
}

/** @param answers shortest window first */
function differences(answers: readonly WindowAnswer[]): readonly Bucket[] | undefined {
  const first = answers[0];
  if (answers.some(({ version, to }) => version !== first?.version || to !== first?.to)) return undefined;
  const clicksOf = (answer: WindowAnswer | undefined) => answer?.clicks ?? answer?.total ?? 0;
  return answers
    .map((answer, index) => ({
      from: answer.from ?? '',
      clicks: clicksOf(answer) - clicksOf(answers[index - 1]),
    }))
    .reverse();
}
