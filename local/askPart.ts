import { jsonValue } from '../src/lib/jsonObject';
import { describeNoReply } from '../src/lib/noReply';

/** The parts of `npm start` that answer over HTTP, as messages call them. */
export type Part = 'the broker' | 'the Functions host';

interface Request {
  readonly method?: 'PUT' | 'POST';
  readonly body?: string;
  readonly limitMs?: number;
}

export interface Reply {
  readonly ok: boolean;
  readonly status: number;
  /** The parsed JSON; undefined if the answer is no JSON. */
  readonly body: unknown;
}

/**
 * Asks a part of this machine's Azure.
 * @throws Error if it does not answer in time. Its text names the part, and fits within a sentence
 */
export async function askPart(part: Part, url: string, request: Request = {}): Promise<Reply> {
  const { limitMs = 10_000, ...others } = request;
  try {
    const reply = await fetch(url, { ...others, signal: AbortSignal.timeout(limitMs) });
    const { ok, status } = reply;
    return { ok, status, body: jsonValue(await reply.text()) };
  } catch (cause) {
    const why = describeNoReply(cause, limitMs);
    throw new Error(`${part} at ${new URL(url).origin} ${why}`, { cause });
  }
}
