/*
 * The function key. It comes in the address and leaves it at once, so that no copied link, bookmark or printed page holds it.
 * sessionStorage keeps it for this tab alone.
 */

const entry = 'tributary-key';
/** For browsers in which sessionStorage is switched off. */
let inMemory = '';

/** Keeps the key of the address (behind `#key=`, or `?code=` as Azure Functions has it) and takes it out of the address. */
export function takeKeyFromAddress(): void {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const query = new URLSearchParams(location.search);
  const key = fragment.get('key') ?? query.get('code');
  if (key === null) return;
  fragment.delete('key');
  query.delete('code');
  const search = query.size > 0 ? `?${query}` : '';
  const hash = fragment.size > 0 ? `#${fragment}` : '';
  history.replaceState(null, '', `${location.pathname}${search}${hash}`);
  // A plus sign that was not encoded reads as a blank; no key has a blank.
  keepKey(key.replaceAll(' ', '+'));
}

export function keepKey(key: string): void {
  inMemory = key;
  try {
    sessionStorage.setItem(entry, key);
  } catch {
    // It is kept in memory until the page is left.
  }
}

/** The key to ask with; empty if there is none. */
export function keptKey(): string {
  try {
    return sessionStorage.getItem(entry) ?? inMemory;
  } catch {
    return inMemory;
  }
}
