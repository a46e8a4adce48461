// A Synapse workspace over the lake. Its serverless SQL pool comes with it and costs only what queries read; the dedicated pool costs for
// each hour that it is not paused, and is made only if it was chosen as the warehouse.
param name string
param location string
param tags object
param lakeName string
param lakeEndpoint string
param container string
param adminId string
param adminName string
param hasPool bool
param poolName string

var roleIds = {
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
}

resource workspace 'Microsoft.Synapse/workspaces@2021-06-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    azureADOnlyAuthentication: true
    defaultDataLakeStorage: {
      accountUrl: lakeEndpoint
      filesystem: container
    }
  }
}

resource admin 'Microsoft.Synapse/workspaces/administrators@2021-06-01' = {
  parent: workspace
  name: 'activeDirectory'
  properties: {
    administratorType: 'ActiveDirectory'
    login: adminName
    sid: adminId
    tenantId: tenant().tenantId
  }
}

// The app comes from addresses inside Azure that nobody knows beforehand.
resource azureServices 'Microsoft.Synapse/workspaces/firewallRules@2021-06-01' = {
  parent: workspace
  name: 'AllowAllWindowsAzureIps'
  properties: {
    startIpAddress: '0.0.0.0'
    endIpAddress: '0.0.0.0'
  }
}

resource pool 'Microsoft.Synapse/workspaces/sqlPools@2021-06-01' = if (hasPool) {
  parent: workspace
  name: poolName
  location: location
  tags: tags
  sku: {
    name: 'DW100c'
  }
  properties: {
    createMode: 'Default'
    collation: 'SQL_Latin1_General_CP1_CI_AS'
  }
}

resource lake 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: lakeName
}

resource workspaceReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: lake
  name: guid(lake.id, workspace.id, roleIds.storageBlobDataContributor)
  properties: {
    principalId: workspace.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.storageBlobDataContributor)
  }
}

output sqlEndpoint string = workspace.properties.connectivityEndpoints.sql
output serverlessEndpoint string = workspace.properties.connectivityEndpoints.sqlOnDemand
