/** Parses text that must hold a JSON object. Throws an error that names `where` and never quotes the text. */
export function parseJsonObject(text: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    // Some editors on Windows put a byte order mark at the beginning of a file.
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    // The message of the error itself quotes the text, which may be a secret.
    const [place = ''] = / \(line \d+ column \d+\)/.exec(String(error)) ?? [];
    throw new Error(`${where} is not JSON${place}.`);
  }
  return asObject(value, where);
}

/** Returns a value that must be a JSON object. Throws an error that names `where` if it is not one. */
export function asObject(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${where} must be a JSON object.`);
  return Object.fromEntries(Object.entries(value));
}

/** The value of a JSON text; undefined if the text is no JSON. */
export function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
