import { expect } from 'vitest';
import { type Answer, deviations, documentedPaths, documentedStatuses } from './openapiContract';

/**
 * What an app that has the stream does not answer: these paths have no part that could be unknown, so their 404 only says that the
 * stream is not there.
 */
const withoutItsStream = /^\/(clicks|clicks\/categories|clicks\/trending|assets) 404$/;

/** Asks an app, and holds each answer to docs/openapi.yaml. */
export class ContractClient {
  readonly #app: { readonly url: string };
  /** Path of the contract and status of each answer. */
  readonly #answered = new Set<string>();

  /** @param app which may change its address between questions */
  constructor(app: { readonly url: string }) {
    this.#app = app;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const reply = await fetch(`${this.#app.url}/api${path}`, { headers });
    const answer = { status: reply.status, headers: reply.headers, body: await reply.text() };
    const documented = documentedPathOf(path);
    expect(deviations(documented, answer), `GET ${path}`).toEqual([]);
    this.#answered.add(`${documented} ${answer.status}`);
    return answer;
  }

  /** The body of an answer, whatever its status. */
  readonly json = async (path: string) => JSON.parse((await this.get(path)).body);

  /** Path and status of everything that the contract has at some of its paths, and that was not answered yet. */
  unanswered(paths: RegExp): string[] {
    return (
      documentedPaths()
        .filter((path) => paths.test(path))
        // The platform itself answers 401; 500 needs more products than a test can write; the others are the same for all paths.
        .flatMap((path) =>
          documentedStatuses(path)
            .filter((status) => !['304', '400', '401', '500', '503'].includes(status))
            .map((status) => `${path} ${status}`),
        )
        .filter((entry) => !withoutItsStream.test(entry) && !this.#answered.has(entry))
    );
  }
}

function documentedPathOf(path: string): string {
  const plain = path.split('?')[0] ?? '';
  if (documentedPaths().includes(plain)) return plain;
  const [, route, stream, view, more] = plain.split('/');
  if (route === 'assets') return `/assets/{id}${view === undefined ? '' : '/history'}`;
  if (route === 'latest')
    return `/latest/{stream}${view === undefined ? '' : '/{key}'}${more === undefined ? '' : '/history'}`;
  if (route !== 'counts') return '/clicks/{productid}';
  const inContract = `/counts/{stream}${view === undefined ? '' : `/${view}`}`;
  return stream && documentedPaths().includes(inContract) ? inContract : '/counts/{stream}/{key}';
}
