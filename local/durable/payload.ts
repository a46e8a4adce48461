/** Durable Task Scheduler, which stores orchestrations in Azure, takes no more than this. */
const payloadLimit = 1024 * 1024;
/** The custom status is limited everywhere: UTF-16 text of 16 KB. */
const customStatusLimit = 8 * 1024;

/** A sentence if a JSON value is too large to be stored in Azure; otherwise undefined. */
export function whyTooLarge(value: unknown, what: string): string | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(value ?? null));
  if (bytes <= payloadLimit) return undefined;
  return `${what} has ${bytes} bytes of JSON; accepted are ${payloadLimit}, as by Durable Task Scheduler in Azure. Store the data elsewhere, and pass on where it is.`;
}

export function whyStatusTooLarge(value: unknown): string | undefined {
  const { length } = JSON.stringify(value ?? null);
  if (length <= customStatusLimit) return undefined;
  return `The custom status has ${length} characters of JSON; accepted are ${customStatusLimit}, as in Azure. Put less into it.`;
}
