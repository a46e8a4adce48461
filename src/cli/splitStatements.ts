/** Parts of SQL in which a semicolon does not end the statement: texts, quoted names and comments, even if they are not closed. */
const quoted = [
  "'(?:[^']|'')*(?:'|$)",
  '"(?:[^"]|"")*(?:"|$)',
  '--[^\\n]*',
  '/\\*[\\s\\S]*?(?:\\*/|$)',
  '\\$(\\w*)\\$[\\s\\S]*?(?:\\$\\1\\$|$)',
];

export interface Split {
  /** Without their semicolons. Empty ones are left out. */
  readonly statements: readonly string[];
  /** The text after the last semicolon. */
  readonly rest: string;
}

/** Divides SQL at the semicolons that end statements. */
export function splitStatements(sql: string): Split {
  const parts: string[] = [];
  let begin = 0;
  for (const { 0: token, index } of sql.matchAll(new RegExp(`${quoted.join('|')}|;`, 'g'))) {
    if (token !== ';') continue;
    parts.push(sql.slice(begin, index));
    begin = index + 1;
  }
  return { statements: parts.filter((part) => part.trim() !== ''), rest: sql.slice(begin) };
}
