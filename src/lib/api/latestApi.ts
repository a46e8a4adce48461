import type { LatestFold, LatestView } from '../latest/latest';
import { Answers } from './answers';
import { type LatestTerms, readLatestView } from './latestViews';

export interface LatestApiOptions {
  readonly fold: LatestFold;
  readonly terms: LatestTerms;
  /** Milliseconds since 1970; the clock unless told. */
  readonly now?: () => number;
  /** Receives failures that are not part of the answer. */
  readonly logError: (error: unknown) => void;
}

/** Answers GET /api/latest/{stream}, or GET /api/assets, and the paths below it, as docs/openapi.yaml describes. */
export const latestApi = ({ fold, terms, now = Date.now, logError }: LatestApiOptions): Answers<LatestView> =>
  new Answers<LatestView>({
    now,
    logError,
    failure: 'The newest rows cannot be told',
    read: (path, query) => readLatestView(path, query, terms),
    prepare: async () => void (await fold.current()),
    input: () => fold.current(),
    // The mark belongs to the tag: after storage went back in time, the same version number may hold other rows.
    tagOf: ({ state }) => [state?.metaData.id ?? 'none', state?.version ?? -1, state?.mark?.slice(0, 8)],
  });
