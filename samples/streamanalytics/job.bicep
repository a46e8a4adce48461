// The Stream Analytics job of this folder: reads the hub beside Tributary, and writes to a Delta table and a SQL pool of its own. It costs
// while it runs, so it is not a part of deploy/infra, and is not started here. Its syntax is checked; it was neither compiled nor deployed.
targetScope = 'resourceGroup'

@description('The Event Hubs namespace, without its domain.')
param namespaceName string
param hubName string = 'clickstream'
@description('The account of the lake.')
param lakeName string
param container string = 'lake'
@description('The Synapse workspace and its dedicated pool. Empty: the job writes to the lake alone.')
param workspaceName string = ''
param poolName string = ''
param location string = resourceGroup().location

var roleIds = {
  eventHubsDataReceiver: 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
}
var withPool = !empty(workspaceName) && !empty(poolName)
var query = loadTextContent('clicks.asaql')
// Without a pool, the part of the query that writes to it is left out.
var poolMark = '-- The clicks of each product in each minute'
var lakeQuery = split(query, poolMark)[0]

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' existing = {
  name: '${namespaceName}/${hubName}'
}

resource lake 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: lakeName
}

// A reader of its own, beside the app's.
resource readers 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01' = {
  parent: hub
  name: 'streamanalytics'
}

resource job 'Microsoft.StreamAnalytics/streamingjobs@2021-10-01-preview' = {
  name: 'clicks'
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    sku: {
      name: 'StandardV2'
    }
    compatibilityLevel: '1.2'
    eventsLateArrivalMaxDelayInSeconds: 5
    eventsOutOfOrderMaxDelayInSeconds: 0
    eventsOutOfOrderPolicy: 'Adjust'
    outputErrorPolicy: 'Stop'
    // Rows for the pool pass through this account.
    jobStorageAccount: {
      accountName: lake.name
      authenticationMode: 'Msi'
    }
    transformation: {
      name: 'clicks'
      properties: {
        streamingUnits: 3
        query: withPool ? query : lakeQuery
      }
    }
  }
}

resource input 'Microsoft.StreamAnalytics/streamingjobs/inputs@2021-10-01-preview' = {
  parent: job
  name: 'clickstream'
  properties: {
    type: 'Stream'
    datasource: {
      type: 'Microsoft.EventHub/EventHub'
      properties: {
        serviceBusNamespace: namespaceName
        eventHubName: hubName
        consumerGroupName: readers.name
        authenticationMode: 'Msi'
      }
    }
    serialization: {
      type: 'Json'
      properties: {
        encoding: 'UTF8'
      }
    }
  }
}

// Never into a table of Tributary, whose read positions it would not keep.
resource lakeOutput 'Microsoft.StreamAnalytics/streamingjobs/outputs@2021-10-01-preview' = {
  parent: job
  name: 'lake'
  properties: {
    datasource: {
      type: 'Microsoft.Storage/Blob'
      properties: {
        storageAccounts: [
          {
            accountName: lake.name
          }
        ]
        container: container
        authenticationMode: 'Msi'
      }
    }
    serialization: {
      type: 'Delta'
      properties: {
        deltaTablePath: 'asa/clicks'
      }
    }
    timeWindow: '00:01:00'
    sizeWindow: 2000
  }
}

resource poolOutput 'Microsoft.StreamAnalytics/streamingjobs/outputs@2021-10-01-preview' = if (withPool) {
  parent: job
  name: 'pool'
  properties: {
    datasource: {
      type: 'Microsoft.Sql/Server/DataWarehouse'
      properties: {
        server: '${workspaceName}.sql.azuresynapse.net'
        database: poolName
        table: 'asa.clicks_per_minute'
        authenticationMode: 'Msi'
      }
    }
  }
}

resource jobReadsHub 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: hub
  name: guid(hub.id, job.id, roleIds.eventHubsDataReceiver)
  properties: {
    principalId: job.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.eventHubsDataReceiver)
  }
}

resource jobWritesLake 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: lake
  name: guid(lake.id, job.id, roleIds.storageBlobDataContributor)
  properties: {
    principalId: job.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.storageBlobDataContributor)
  }
}
