/** The message if a connection uses an identity, and the identity library found none to log in with. */
const noIdentity =
  'no Microsoft Entra identity was found: in Azure, give the app a managed identity; on this machine, run "az login"; the identity needs its role on the resource';

/** The sentence, if this is the identity library's error for finding no identity; undefined for any other error. */
export function describeNoIdentity(error: unknown): string | undefined {
  const { name, errors } = (error ?? {}) as { name?: unknown; errors?: unknown };
  const isNone =
    name === 'AggregateAuthenticationError' && Array.isArray(errors)
      ? errors.every((each) => describeNoIdentity(each) !== undefined)
      : name === 'CredentialUnavailableError';
  return isNone ? noIdentity : undefined;
}
