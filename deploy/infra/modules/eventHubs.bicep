// The Event Hubs namespace and its hubs. Keys can open it only if the parameter sharedAccessPolicies is true.
param name string
param location string
param tags object
param hubs array
param partitions int
param sharedAccessPolicies bool

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Standard'
    capacity: 1
  }
  properties: {
    disableLocalAuth: !sharedAccessPolicies
    isAutoInflateEnabled: true
    maximumThroughputUnits: 10
    minimumTlsVersion: '1.2'
  }
}

// A hub keeps events for a week, which is the most that Standard allows. The app may be away for as long without losing any.
@batchSize(1)
resource hub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = [for hubName in hubs: {
  parent: namespace
  name: hubName
  properties: {
    partitionCount: partitions
    retentionDescription: {
      cleanupPolicy: 'Delete'
      retentionTimeInHours: 168
    }
  }
}]

resource sendOnly 'Microsoft.EventHub/namespaces/authorizationRules@2024-01-01' = if (sharedAccessPolicies) {
  parent: namespace
  name: 'send'
  properties: {
    rights: [ 'Send' ]
  }
}

resource listenOnly 'Microsoft.EventHub/namespaces/authorizationRules@2024-01-01' = if (sharedAccessPolicies) {
  parent: namespace
  name: 'listen'
  properties: {
    rights: [ 'Listen' ]
  }
  dependsOn: [ sendOnly ]
}
