/** The Microsoft Entra identity that a connection uses instead of a key. */
export interface Identity {
  /**
   * `managedidentity` means that only the app's managed identity is used. If it is missing, DefaultAzureCredential looks for an identity.
   */
  readonly credential?: 'managedidentity';
  /** The client id of a user-assigned managed identity. */
  readonly clientId?: string;
}

/** The credential of an identity. It asks for no token yet. */
export async function openCredential({ credential, clientId }: Identity) {
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  if (credential === 'managedidentity') return new ManagedIdentityCredential(clientId ? { clientId } : {});
  return new DefaultAzureCredential(clientId ? { managedIdentityClientId: clientId } : {});
}
