import { clickstream } from './clickstream';
import { coincap } from './coincap';
import type { Stream } from './stream';

/** Every stream there is; a new one is added here. */
export const streams: readonly Stream[] = [clickstream, coincap];

/** The stream of that name, or undefined. */
export const findStream = (name: string): Stream | undefined =>
  streams.find((stream) => stream.name === name);
