import { type OutgoingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';

/** Sends a request with any headers, including `host` and `origin`, which fetch would change. */
export function sendAs(
  url: string,
  headers: OutgoingHttpHeaders,
  method = 'GET',
): Promise<{ status: number; body: string }> {
  return new Promise((done, failed) => {
    const sent = request(url, { method, headers, agent: false }, (answer) => {
      text(answer).then((body) => done({ status: answer.statusCode ?? 0, body }), failed);
    });
    sent.on('error', failed);
    sent.end();
  });
}

/**
 * The headers of requests that a web page of another site makes: with a script or a form, under a name that now points to this machine, and
 * as a picture.
 */
export const requestsOfOtherSites: readonly OutgoingHttpHeaders[] = [
  { origin: 'https://example.com' },
  { origin: 'null' },
  { host: 'rebound.example.com' },
  { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
];
