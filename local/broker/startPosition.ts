/** The position in a partition from which a reader begins. */
export type StartPosition =
  | { from: 'start' }
  | { from: 'end' }
  | { from: 'offset' | 'sequenceNumber' | 'time'; value: number; inclusive: boolean };

const positionSelector =
  /^\s*amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time)\s*(>=?)\s*'([^']*)'\s*$/;

/**
 * Parses the selector filter of a reader's source (`apache.org:selector-filter:string`): one comparison of an
 * offset, a sequence number or an enqueued time in milliseconds. No filter means the start of the partition.
 *
 * @returns undefined if the filter has another form.
 */
export function parseStartPosition(selector: string | undefined): StartPosition | undefined {
  if (selector === undefined) return { from: 'start' };
  const match = positionSelector.exec(selector);
  if (!match) return undefined;
  const [, field, operator, value = ''] = match;
  if (field === 'offset' && value === '@latest') return { from: 'end' };
  if (!/^-?\d{1,16}$/.test(value)) return undefined;
  if (field !== 'enqueued-time' && value === '-1') return { from: 'start' };
  return {
    from: field === 'offset' ? 'offset' : field === 'sequence-number' ? 'sequenceNumber' : 'time',
    value: Number(value),
    inclusive: operator === '>=',
  };
}
