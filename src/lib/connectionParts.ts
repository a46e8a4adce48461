/**
 * The value of one `Name=value` part of a connection string of Event Hubs or storage. The value may contain `=`. Undefined if the part is
 * missing or empty.
 */
export function partOf(connectionString: string, name: string): string | undefined {
  const found = connectionString
    .split(';')
    .map((part) => part.trim())
    .find((part) => part.toLowerCase().startsWith(`${name.toLowerCase()}=`));
  return found?.slice(name.length + 1) || undefined;
}
