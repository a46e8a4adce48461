// Everything that Tributary needs in Azure, in a resource group of its own. "azd up" deploys it, and docs/deploy.md explains it.
// Not yet deployed to Azure, and not yet compiled by the Bicep CLI.
targetScope = 'subscription'

@description('The name of this environment. It is a part of every name.')
@minLength(1)
@maxLength(20)
param environmentName string

@description('The region of all resources. It must offer Flex Consumption and Durable Task Scheduler.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Where rows go besides the lake: "none" costs nothing; "azureSql" is a serverless database, about 5 USD a month for storage and 0.5 USD for each hour and core in use, paused after an hour without a query; "dedicatedPool" is a Synapse pool DW100c, about 1.2 USD for each hour that it is not paused, 870 USD a month. Emitted clicks keep a database awake.')
@allowed([ 'none', 'azureSql', 'dedicatedPool' ])
param warehouse string

@description('The object id of the person or service that deploys: the administrator of the databases, and a reader and writer of the lake.')
param principalId string

@description('The name that the databases show for their administrator.')
param principalName string = 'Administrator of Tributary'

@description('Whether principalId is a person, a group or a service.')
@allowed([ 'User', 'Group', 'ServicePrincipal' ])
param principalType string = 'User'

@description('An Event Hubs namespace that exists already, with the hubs clickstream and coincap. If it is empty, a namespace is made.')
param existingNamespace string = ''

@description('The resource group of the namespace that exists already.')
param existingNamespaceGroup string = ''

@description('The partitions of each hub that is made. More of them can be read by more instances. The number cannot be changed later.')
@minValue(1)
@maxValue(32)
param partitions int = 4

@description('How the lake is kept: in three zones of the region, which not every region has, or in one place.')
@allowed([ 'Standard_ZRS', 'Standard_LRS' ])
param lakeRedundancy string = 'Standard_ZRS'

@description('How many made-up clicks are emitted a second in hubs that are made here. In a namespace that exists already, none are.')
@minValue(0)
@maxValue(100000)
param clicksPerSecond int = 10

@description('Whether hubs that are made here have a policy that may only send and one that may only listen, whose keys programs outside Azure can use.')
param sharedAccessPolicies bool = false

@description('The memory of an instance, in MB. The sizes of batches follow it.')
@allowed([ 512, 2048, 4096 ])
param instanceMemoryMB int = 2048

@description('The most instances of each scale group.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('The key of the CoinCap API. If it is empty, no assets are emitted.')
@secure()
param coincapApiKey string = ''

@description('Who is told of alerts. If it is empty, alerts are only shown in the portal.')
param alertEmail string = ''

@description('From which addresses orchestrations may be scheduled, as CIDR ranges. An identity with a role is needed in any case.')
@minLength(1)
param schedulerAllowlist array = [ '0.0.0.0/0' ]

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var makesHubs = empty(existingNamespace)
var namespaceName = makesHubs ? 'evhns-${token}' : existingNamespace
var consumerGroup = 'tributary'
var hubs = [ 'clickstream', 'coincap' ]
var warehouseDatabase = 'tributary'
var appName = 'func-${token}'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module eventHubs 'modules/eventHubs.bicep' = if (makesHubs) {
  scope: group
  params: {
    name: namespaceName
    location: location
    tags: tags
    hubs: hubs
    partitions: partitions
    sharedAccessPolicies: sharedAccessPolicies
  }
}

module readers 'modules/readers.bicep' = {
  scope: resourceGroup(makesHubs ? group.name : existingNamespaceGroup)
  params: {
    namespaceName: namespaceName
    hubs: hubs
    consumerGroup: consumerGroup
    appPrincipalId: identity.outputs.principalId
    person: principalId
    personType: principalType
  }
  dependsOn: [ eventHubs ]
}

module lake 'modules/lake.bicep' = {
  scope: group
  params: {
    name: 'lake${token}'
    location: location
    tags: tags
    redundancy: lakeRedundancy
  }
}

module hostStorage 'modules/hostStorage.bicep' = {
  scope: group
  params: {
    name: 'host${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    token: token
    location: location
    tags: tags
  }
}

module keyVault 'modules/keyVault.bicep' = {
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    coincapApiKey: coincapApiKey
  }
}

module scheduler 'modules/scheduler.bicep' = {
  scope: group
  params: {
    name: 'dts-${token}'
    location: location
    tags: tags
    ipAllowlist: schedulerAllowlist
  }
}

module synapse 'modules/synapse.bicep' = {
  scope: group
  params: {
    name: 'syn-${token}'
    location: location
    tags: tags
    lakeName: lake.outputs.name
    lakeEndpoint: lake.outputs.dfsEndpoint
    container: lake.outputs.container
    adminId: principalId
    adminName: principalName
    hasPool: warehouse == 'dedicatedPool'
    poolName: warehouseDatabase
  }
}

module sqlDatabase 'modules/sqlDatabase.bicep' = if (warehouse == 'azureSql') {
  scope: group
  params: {
    name: 'sql-${token}'
    location: location
    tags: tags
    databaseName: warehouseDatabase
    adminId: principalId
    adminName: principalName
    adminType: principalType == 'ServicePrincipal' ? 'Application' : principalType
  }
}

module roles 'modules/roles.bicep' = {
  scope: group
  params: {
    lakeName: lake.outputs.name
    hostStorageName: hostStorage.outputs.name
    keyVaultName: keyVault.outputs.name
    insightsName: monitoring.outputs.insightsName
    schedulerName: scheduler.outputs.name
    appPrincipalId: identity.outputs.principalId
    adminId: principalId
    adminType: principalType
  }
}

var warehouseServer = warehouse == 'dedicatedPool'
  ? synapse.outputs.sqlEndpoint
  : (sqlDatabase.?outputs.server ?? '')

module functionApp 'modules/functionApp.bicep' = {
  scope: group
  params: {
    name: appName
    location: location
    tags: tags
    identityId: identity.outputs.id
    clientId: identity.outputs.clientId
    hostStorageBlobEndpoint: hostStorage.outputs.blobEndpoint
    packagesContainer: hostStorage.outputs.packagesContainer
    lakeBlobEndpoint: lake.outputs.blobEndpoint
    lakeContainer: lake.outputs.container
    eventHubsNamespace: '${namespaceName}.servicebus.windows.net'
    consumerGroup: consumerGroup
    clickstreamHub: hubs[0]
    coincapHub: hubs[1]
    clicksPerSecond: makesHubs ? clicksPerSecond : 0
    coincapKeyUri: keyVault.outputs.coincapKeyUri
    warehouseServer: warehouse == 'none' ? '' : warehouseServer
    warehouseDatabase: warehouseDatabase
    schedulerEndpoint: scheduler.outputs.endpoint
    taskHub: scheduler.outputs.taskHub
    insightsConnectionString: monitoring.outputs.insightsConnectionString
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
  }
  // The triggers start at once, and need their roles and consumer groups by then.
  dependsOn: [ roles, readers ]
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    insightsId: monitoring.outputs.insightsId
    healthUrl: 'https://${functionApp.outputs.hostName}/api/health'
    email: alertEmail
  }
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = functionApp.outputs.name
output FUNCTION_APP_HOST string = functionApp.outputs.hostName
output IDENTITY_NAME string = identity.outputs.name
output EVENT_HUBS_NAMESPACE string = '${namespaceName}.servicebus.windows.net'
output CONSUMER_GROUP string = consumerGroup
output LAKE_BLOB_ENDPOINT string = lake.outputs.blobEndpoint
output LAKE_CONTAINER string = lake.outputs.container
output HOST_BLOB_ENDPOINT string = hostStorage.outputs.blobEndpoint
output SERVERLESS_SQL_ENDPOINT string = synapse.outputs.serverlessEndpoint
output WAREHOUSE_KIND string = warehouse
output WAREHOUSE_SERVER string = warehouse == 'none' ? '' : warehouseServer
output WAREHOUSE_DATABASE string = warehouse == 'none' ? '' : warehouseDatabase
output CLICKS_PER_SECOND int = makesHubs ? clicksPerSecond : 0
