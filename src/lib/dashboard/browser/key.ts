/*
 * The function key. It arrives in the address and is removed from it at once, so that no copied link, bookmark or printed page has it.
 * sessionStorage keeps it for this tab only.
 */

const entry = 'tributary-key';
/** For browsers in which sessionStorage is switched off. */
let inMemory = '';

/** Keeps the key of the address and removes it from there. It stands behind `#key=`, or behind `?code=` as Azure Functions writes it. */
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
  // In an address, a plus sign that was not encoded reads as a blank. No key has a blank, so each blank was a plus sign.
  keepKey(key.replaceAll(' ', '+'));
}

export function keepKey(key: string): void {
  inMemory = key;
  try {
    sessionStorage.setItem(entry, key);
  } catch {
    // If sessionStorage is switched off, the key is kept in memory until the page is left.
  }
}

/** The key to send to the API; empty if there is none. */
export function keptKey(): string {
  try {
    return sessionStorage.getItem(entry) ?? inMemory;
  } catch {
    return inMemory;
  }
}
