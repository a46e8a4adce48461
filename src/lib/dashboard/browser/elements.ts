/** The element with this id. Throws if it is missing, because then the page and the scripts are of different versions. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element ${id}.`);
  return element;
}

/** The input with this id. */
export function inputById(id: string): HTMLInputElement {
  const element = byId(id);
  if (!(element instanceof HTMLInputElement)) throw new Error(`The element ${id} is no input.`);
  return element;
}

/** Makes an element. The text is never taken for markup. */
export function element(tag: string, text = '', className = ''): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className !== '') made.className = className;
  return made;
}

/** Sets a text only if it changed, so that selections survive and screen readers stay quiet. */
export function setText(id: string, text: string): void {
  const target = byId(id);
  if (target.textContent !== text) target.textContent = text;
}

/** Sets a text, and hides its element if the text is empty. */
export function setMessage(id: string, text: string): void {
  setText(id, text);
  byId(id).hidden = text === '';
}

const numbers = new Intl.NumberFormat('en-US');
const compactNumbers = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 2 });
const times = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

export const formatNumber = (value: number): string => numbers.format(value);

/** A number in few characters, like `1.5M`. */
export const formatCompact = (value: number): string => compactNumbers.format(value);

/** A time in the reader's time zone. */
export const formatTime = (ms: number): string => times.format(ms);

export const timeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** An age in short words, like `5 s`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
