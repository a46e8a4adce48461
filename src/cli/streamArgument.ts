import { findStream, loadStreams } from '../lib/streams/loadStreams';
import type { Stream } from '../lib/streams/stream';
import { UsageError } from './commandLine';

/** The stream that an argument names. Throws UsageError with the names there are. */
export async function readStream(name: string | undefined): Promise<Stream> {
  const stream = await findStream(name ?? '');
  if (stream) return stream;
  const known = (await loadStreams()).map((each) => each.name).join(' or ');
  throw new UsageError(
    name === undefined ? `Name a stream: ${known}.` : `${name} is no stream: expected ${known}.`,
  );
}
