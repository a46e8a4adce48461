/*
 * The address and the key with which commands reach the function app.
 */

export interface FunctionApp {
  readonly url: URL;
  /** A key of the app, which may be its master key. None is needed on this machine. */
  readonly key: string | undefined;
}

/** The address at which `npm start` and Azure Functions Core Tools serve the app by default. */
export const appHere = 'http://127.0.0.1:7071';

/** The header that sends a key. */
export const keyHeader = (key: string | undefined): Readonly<Record<string, string>> =>
  key === undefined ? {} : { 'x-functions-key': key };
