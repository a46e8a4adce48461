// The function app on Flex Consumption. Its identity is user-assigned, and it uses this identity for all connections: each of them has
// __credential and __clientId, without which its triggers would never wake.
param name string
param location string
param tags object
param identityId string
param clientId string
param hostStorageBlobEndpoint string
param packagesContainer string
param lakeBlobEndpoint string
param lakeContainer string
param eventHubsNamespace string
param consumerGroup string
param clickstreamHub string
param coincapHub string
param clicksPerSecond int
param coincapKeyUri string
param warehouseServer string
param warehouseDatabase string
param schedulerEndpoint string
param taskHub string
param insightsConnectionString string
param instanceMemoryMB int
param maximumInstanceCount int

// A batch of small events needs up to fourteen times the memory of their bodies, and four partitions may be read at once.
var batches = {
  '512': { most: '1000', ahead: '2000', bytesAhead: '2097152' }
  '2048': { most: '4000', ahead: '8000', bytesAhead: '8388608' }
  '4096': { most: '4000', ahead: '8000', bytesAhead: '16777216' }
}
var batch = batches[string(instanceMemoryMB)]

resource plan 'Microsoft.Web/serverfarms@2025-05-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2025-05-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      minTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostStorageBlobEndpoint}${packagesContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'node'
        version: '24'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
      }
      // An update ends running functions, and their work is repeated. docs/operations.md says why that is right here.
      siteUpdateStrategy: {
        type: 'Recreate'
      }
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2025-05-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    AzureWebJobsStorage__blobServiceUri: hostStorageBlobEndpoint
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: clientId
    EventHubConnection__fullyQualifiedNamespace: eventHubsNamespace
    EventHubConnection__credential: 'managedidentity'
    EventHubConnection__clientId: clientId
    LakeStorage__blobServiceUri: lakeBlobEndpoint
    LakeStorage__credential: 'managedidentity'
    LakeStorage__clientId: clientId
    LAKE_CONTAINER: lakeContainer
    CONSUMER_GROUP: consumerGroup
    CLICKSTREAM_HUB: clickstreamHub
    CLICKSTREAM_SCHEDULE: '*/10 * * * * *'
    CLICKS_PER_SECOND: string(clicksPerSecond)
    COINCAP_HUB: coincapHub
    COINCAP_SCHEDULE: '0 */30 * * * *'
    COINCAP_URL: 'https://rest.coincap.io'
    COINCAP_API_KEY: empty(coincapKeyUri) ? '' : '@Microsoft.KeyVault(SecretUri=${coincapKeyUri})'
    COMMIT_INTERVAL: '1s'
    ACCEPT_GAPS: 'false'
    WAREHOUSE: empty(warehouseServer) ? 'none' : 'Server=tcp:${warehouseServer},1433;Database=${warehouseDatabase};Authentication=Active Directory Managed Identity;User Id=${clientId};Encrypt=true'
    // Without a warehouse there is nothing to load, but a timer that fires each minute would be billed.
    'AzureWebJobs.syncWarehouse.Disabled': empty(warehouseServer) ? 'true' : 'false'
    COUNTS_REFRESH: '250ms'
    COUNTED_PRODUCTS: '250000'
    TARGET_FILE_MB: '32'
    AzureFunctionsJobHost__extensions__eventHubs__maxEventBatchSize: batch.most
    AzureFunctionsJobHost__extensions__eventHubs__minEventBatchSize: '1000'
    AzureFunctionsJobHost__extensions__eventHubs__prefetchCount: batch.ahead
    AzureFunctionsJobHost__extensions__eventHubs__prefetchSizeInBytes: batch.bytesAhead
    AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'azureManaged'
    AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName: 'DurableTaskScheduler'
    DurableTaskScheduler: 'Endpoint=${schedulerEndpoint};TaskHub=${taskHub};Authentication=ManagedIdentity;ClientID=${clientId}'
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${clientId};Authorization=AAD'
  }
}

output name string = app.name
output hostName string = app.properties.defaultHostName
