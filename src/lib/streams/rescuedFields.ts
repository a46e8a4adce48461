import { type Member, membersOf } from './jsonText';

/** The most bytes of the rescued fields, so that they fit into a `varchar(8000)` of T-SQL. */
export const mostRescuedBytes = 8000;

/** The deepest nesting that is kept. T-SQL refuses JSON of more than 128 levels, and with it every query that reads the row. */
const deepestRescued = 100;

/** The last member of the rescued fields if some had to be left out. */
const truncated = '"_truncated":true';

/**
 * The fields of a JSON object that have no column, as the text of a JSON object; undefined if there are none. Names and values are the text
 * that was sent, so that numbers keep all their digits. These are the exceptions:
 *
 * | sent | kept |
 * |---|---|
 * | a name more than once | its last value, which is also the one that a column would get |
 * | half of a surrogate pair as an escape | U+FFFD, because some readers refuse the whole text otherwise |
 * | more than fits, or nested too deeply | in order, all fields that still fit, and then `"_truncated":true` |
 *
 * @param object text that is known to be a JSON object
 * @param known names of the fields that have a column, or that the stream leaves out
 */
export function rescueFields(object: string, known: ReadonlySet<string>): string | undefined {
  const found = new Map<string, Member>();
  for (const member of membersOf(object))
    if (!known.has(member.name)) found.set(member.name.toWellFormed(), member);
  if (found.size === 0) return undefined;
  const kept: string[] = [];
  // The room for fields, each with a comma after it. The braces and the mark for left-out fields are subtracted.
  let room = mostRescuedBytes - 2 - truncated.length;
  for (const member of found.values()) {
    const text = fieldText(member, room);
    if (text === undefined) continue;
    kept.push(text);
    room -= Buffer.byteLength(text) + 1;
  }
  if (kept.length < found.size) kept.push(truncated);
  return `{${kept.join(',')}}`;
}

/** A field with its name; undefined if it needs more bytes than there is room for, or is nested too deeply. */
function fieldText({ nameText, valueText, depth }: Member, room: number): string | undefined {
  if (depth > deepestRescued || nameText.length + valueText.length > room) return undefined;
  const text = repairSurrogates(`${nameText}:${valueText}`);
  return Buffer.byteLength(text) < room ? text : undefined;
}

/** Replaces halves of surrogate pairs. They can only be there as escapes, because the body is valid UTF-8. */
const repairSurrogates = (text: string): string =>
  /\\u[dD][89a-fA-F]/.test(text)
    ? text.replace(/"(?:[^"\\]|\\.)*"/g, (string) => {
        const value = String(JSON.parse(string));
        return value.isWellFormed() ? string : JSON.stringify(value.toWellFormed());
      })
    : text;
