import type { UnfollowableBecause } from '../delta/position';

/** Why a table of the warehouse needs a rebuild: the log cannot be followed from the version that is loaded. */
export function describeUnfollowable(because: UnfollowableBecause, version: number): string {
  switch (because) {
    case 'made-again':
      return 'the Delta table was made again and is another one';
    case 'rolled-back':
      return `the lake's storage went back in time: its version ${version} is not the one that was loaded`;
    case 'cleaned':
      return `the log was cleaned: what follows version ${version} is not in it any more`;
    default:
      return `the log after version ${version} cannot be read`;
  }
}
