import type { Page } from 'playwright-core';

/** What an answer of the API says of itself. */
export interface Answer {
  readonly version: number;
  readonly asOf: string;
  /** The time that it is of; missing for all clicks. */
  readonly from?: string;
  readonly to?: string;
  readonly beforeFrom?: string;
  readonly beforeTo?: string;
}

type Parameters = Readonly<Record<string, string | number | undefined>>;

const nameOf = (path: string, parameters: URLSearchParams): string => {
  parameters.sort();
  return `${path}?${parameters}`;
};

/** A test that has seen enough closes its page, with answers under way. */
function undefinedIfClosed(error: unknown): undefined {
  if (!/has been closed/.test(String(error))) throw error;
}

/** The answers that a page got from the API, by what it asked for. */
export class ApiAnswers {
  readonly #all: Map<string, readonly Answer[]>;
  #count = 0;

  constructor(all: Iterable<readonly [string, readonly Answer[]]> = []) {
    this.#all = new Map(all);
  }

  listen(page: Page): void {
    page.on('response', async (response) => {
      const { pathname, searchParams } = new URL(response.url());
      if (response.status() !== 200 || !response.headers()['content-type']?.includes('json')) return;
      this.#count++;
      const answer: Answer | undefined = await response.json().catch(undefinedIfClosed);
      if (!answer) return;
      const name = nameOf(pathname.replace('/api/', ''), searchParams);
      this.#all.set(name, [...(this.#all.get(name) ?? []), answer]);
    });
  }

  /**
   * Looks at the page, and takes the answers that it has at that time.
   * @throws if one comes in between, because then it is not known what the page showed
   */
  async during<T>(look: () => Promise<T>): Promise<{ shown: T; answers: ApiAnswers }> {
    const before = this.#count;
    const shown = await look();
    if (this.#count !== before) throw new Error('An answer came while the page was looked at.');
    return { shown, answers: new ApiAnswers(this.#all) };
  }

  /** All answers to a question, the oldest first. Parameters that are undefined are not in the question. */
  all(path: string, parameters: Parameters = {}): readonly Answer[] {
    const given = Object.entries(parameters).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as [string, string]],
    );
    return this.#all.get(nameOf(path, new URLSearchParams(given))) ?? [];
  }

  /** The newest answer. @throws if the page never asked so */
  newest(path: string, parameters: Parameters = {}): Answer {
    const answer = this.all(path, parameters).at(-1);
    if (!answer) throw new Error(`The page has no answer of ${path} with ${JSON.stringify(parameters)}.`);
    return answer;
  }
}
