// The secrets that identities do not replace: the key of the CoinCap API.
param name string
param location string
param tags object
@secure()
param coincapApiKey string

var secretName = 'coincap-api-key'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
  }
}

resource coincapKey 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = if (!empty(coincapApiKey)) {
  parent: vault
  name: secretName
  properties: {
    value: coincapApiKey
  }
}

output name string = vault.name
// The address of the key; empty without a key. The app refuses a reference that cannot be resolved.
output coincapKeyUri string = empty(coincapApiKey) ? '' : '${vault.properties.vaultUri}secrets/${secretName}'
