import type { LakeScanOutcome, LakeScans } from '../counts/lakeScans';
import type { Stretch, TimeScan } from '../counts/scanTimes';
import { RequestProblem } from './answer';
import type { ViewResult } from './answers';

/** An answer about times of which no counts are kept. It is complete when the rows of these times were scanned. */
export interface Unfinished extends TimeScan {
  readonly asked: Asked;
  finish(): ViewResult;
}

/** The part of a request that asks for these times. */
export interface Asked {
  /** Its name. */
  readonly parameter: string;
  /** Which times need no scan of the table's files, in words. */
  readonly counted: string;
}

/**
 * How the answer was made: `counts` if only from the counts that are kept, `lake` if also from a scan of the table's files. Both are exact.
 */
export const sourceOf = (missing: readonly Stretch[]): 'counts' | 'lake' =>
  missing.length === 0 ? 'counts' : 'lake';

/** The answer, if no time is missing; otherwise the scan that has to be done first. */
export const afterScan = (
  stretches: readonly Stretch[],
  scan: Pick<Unfinished, 'add' | 'asked'>,
  finish: () => ViewResult,
): ViewResult | Unfinished => (stretches.length === 0 ? finish() : { ...scan, stretches, finish });

/** @throws RequestProblem if the scan was too much for one answer */
export function ensureScanned(
  scanned: LakeScanOutcome,
  { asked }: Unfinished,
  limits: LakeScans['limits'],
): void {
  if (scanned.outcome === 'scanned') return;
  const { parameter, counted } = asked;
  const accepts = `less time, or what is counted in advance: ${counted}`;
  const why = 'This is not counted in advance, and the rows of that time';
  if (scanned.outcome === 'too-many-rows') {
    const most = `one answer reads files of ${many(limits.mostRows)} rows at the most`;
    throw new RequestProblem(400, `${why} are in files of ${many(scanned.rows)} rows: ${most}.`, {
      parameter,
      accepts,
    });
  }
  if (scanned.outcome === 'too-many-scans') {
    const others = `wait for ${limits.mostAtOnce} other answers of this kind; try again later, or ask for less.`;
    throw new RequestProblem(503, `${why} ${others}`, { parameter, accepts });
  }
  const detail = `${why} could not be read in ${limits.withinMs / 1000} s; try again later, or ask for less.`;
  throw new RequestProblem(503, detail, { parameter, accepts });
}

const many = (rows: number): string => rows.toLocaleString('en');
