import { findStream, streams } from '../lib/streams';
import type { Stream } from '../lib/streams/stream';
import { UsageError } from './commandLine';

/** The stream that an argument names. Throws UsageError with the names there are. */
export function readStream(name: string | undefined): Stream {
  const stream = findStream(name ?? '');
  if (stream) return stream;
  const known = streams.map((each) => each.name).join(' or ');
  throw new UsageError(
    name === undefined ? `Name a stream: ${known}.` : `${name} is no stream: expected ${known}.`,
  );
}
