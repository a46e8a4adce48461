import { expect } from 'vitest';
import type { ApiAnswer, ApiRequest } from '../../../src/lib/api/answer';
import { deviations } from '../../functions/openapiContract';

interface Asked {
  readonly path: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
}

/** Asks an API, and checks that the answer is as the contract documents it for a path. */
export async function askDocumented(
  api: { answer(request: ApiRequest): Promise<ApiAnswer> },
  documented: string,
  { path, query = '', headers = {} }: Asked,
) {
  const answer = await api.answer({ path, query: new URLSearchParams(query), headers: new Headers(headers) });
  const { status, body = '' } = answer;
  expect(deviations(documented, { status, headers: new Headers(answer.headers), body })).toEqual([]);
  return { ...answer, body };
}
