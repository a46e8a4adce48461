/** A number in the form that people read: `1,204`; `?` if it is NaN, which means unknown. */
export const count = (value: number): string => (Number.isNaN(value) ? '?' : value.toLocaleString('en-US'));

/** A number with its noun: `1 row`, `1,204 rows`. The plural ends in s unless it is given. */
export const quantity = (value: number, noun: string, plural = `${noun}s`): string =>
  `${count(value)} ${value === 1 ? noun : plural}`;
