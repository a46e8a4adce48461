import { monitoringTypes } from './monitoringTypes';
import { child, placed, type ResourceTypes } from './resourceShape';
import { warehouseTypes } from './warehouseTypes';

/*
 * The types of resources that the template may use, with the API version and the properties that it may and must have. It is written
 * from Microsoft's reference of each type. Where Azure has a default that is not right for this app, like keys that open an account, the
 * property is required here.
 */

/** The name of the property that names the app's identity. It is an interpolation, taken as it is written. */
const idOfIdentity = `\${identityId}`;

export const resourceTypes: ResourceTypes = {
  ...monitoringTypes,
  ...warehouseTypes,
  'Microsoft.Resources/resourceGroups': { version: '2024-03-01', shape: { ...placed, 'properties?': {} } },
  'Microsoft.ManagedIdentity/userAssignedIdentities': {
    version: '2023-01-31',
    shape: placed,
    reads: ['properties.clientId', 'properties.principalId', 'properties.tenantId'],
  },
  'Microsoft.EventHub/namespaces': {
    version: '2024-01-01',
    shape: {
      ...placed,
      sku: { name: ['Standard', 'Premium'], tier: ['Standard', 'Premium'], capacity: 'any' },
      properties: {
        disableLocalAuth: 'any',
        isAutoInflateEnabled: ['true'],
        maximumThroughputUnits: 'any',
        minimumTlsVersion: ['1.2', '1.3'],
        'publicNetworkAccess?': ['Enabled', 'Disabled', 'SecuredByPerimeter'],
        'zoneRedundant?': 'any',
      },
    },
  },
  'Microsoft.EventHub/namespaces/eventhubs': {
    version: '2024-01-01',
    shape: {
      ...child,
      properties: {
        partitionCount: 'any',
        retentionDescription: { cleanupPolicy: ['Delete'], retentionTimeInHours: ['168'] },
        'captureDescription?': 'any',
        'status?': ['Active'],
      },
    },
  },
  'Microsoft.EventHub/namespaces/eventhubs/consumergroups': {
    version: '2024-01-01',
    shape: { ...child, 'properties?': { userMetadata: 'any' } },
  },
  'Microsoft.EventHub/namespaces/authorizationRules': {
    version: '2024-01-01',
    // The right Manage is not allowed, because it includes all others.
    shape: { ...child, properties: { rights: { each: ['Send', 'Listen'] } }, 'dependsOn?': 'any' },
  },
  'Microsoft.Storage/storageAccounts': {
    version: '2025-01-01',
    shape: {
      ...placed,
      kind: ['StorageV2'],
      sku: { name: ['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'] },
      properties: {
        isHnsEnabled: ['true', 'false'],
        allowSharedKeyAccess: ['false'],
        allowBlobPublicAccess: ['false'],
        minimumTlsVersion: ['TLS1_2', 'TLS1_3'],
        supportsHttpsTrafficOnly: ['true'],
        'accessTier?': ['Hot', 'Cool'],
        'networkAcls?': 'any',
        'publicNetworkAccess?': ['Enabled', 'Disabled'],
      },
    },
    reads: ['properties.primaryEndpoints.blob', 'properties.primaryEndpoints.dfs'],
  },
  'Microsoft.Storage/storageAccounts/blobServices': {
    version: '2025-01-01',
    shape: { ...child, 'properties?': { deleteRetentionPolicy: { enabled: ['true'], days: ['7'] } } },
  },
  'Microsoft.Storage/storageAccounts/blobServices/containers': {
    version: '2025-01-01',
    shape: { ...child, properties: { publicAccess: ['None'] } },
  },
  'Microsoft.KeyVault/vaults': {
    version: '2024-11-01',
    shape: {
      ...placed,
      properties: {
        tenantId: 'any',
        sku: { family: ['A'], name: ['standard', 'premium'] },
        enableRbacAuthorization: ['true'],
        enableSoftDelete: ['true'],
        softDeleteRetentionInDays: 'any',
        'enablePurgeProtection?': ['true'],
      },
    },
    reads: ['properties.vaultUri'],
  },
  'Microsoft.KeyVault/vaults/secrets': {
    version: '2024-11-01',
    shape: { ...child, properties: { value: 'any', 'contentType?': 'any' } },
  },
  'Microsoft.DurableTask/schedulers': {
    version: '2025-11-01',
    shape: {
      ...placed,
      properties: { ipAllowlist: 'any', sku: { name: ['Consumption', 'Dedicated'], 'capacity?': 'any' } },
    },
    reads: ['properties.endpoint'],
  },
  'Microsoft.DurableTask/schedulers/taskHubs': { version: '2025-11-01', shape: child },
  'Microsoft.Web/serverfarms': {
    version: '2025-05-01',
    shape: {
      ...placed,
      kind: ['functionapp'],
      sku: { name: ['FC1'], tier: ['FlexConsumption'] },
      properties: { reserved: ['true'] },
    },
  },
  'Microsoft.Web/sites': {
    version: '2025-05-01',
    shape: {
      ...placed,
      kind: ['functionapp,linux'],
      identity: { type: ['UserAssigned'], userAssignedIdentities: { [idOfIdentity]: 'any' } },
      properties: {
        serverFarmId: 'any',
        httpsOnly: ['true'],
        // Without it, references to Key Vault are resolved with a system-assigned identity, which this app does not have.
        keyVaultReferenceIdentity: 'any',
        siteConfig: { minTlsVersion: ['1.2', '1.3'] },
        functionAppConfig: {
          deployment: {
            storage: {
              type: ['blobContainer'],
              value: 'any',
              authentication: { type: ['UserAssignedIdentity'], userAssignedIdentityResourceId: 'any' },
            },
          },
          runtime: { name: ['node'], version: ['22', '24'] },
          scaleAndConcurrency: {
            instanceMemoryMB: 'any',
            maximumInstanceCount: 'any',
            'alwaysReady?': { each: { name: 'any', instanceCount: 'any' } },
          },
          // A choice with consequences (docs/operations.md), so it is not left to Azure's default.
          siteUpdateStrategy: { type: ['Recreate', 'RollingUpdate'] },
        },
      },
    },
    reads: ['properties.defaultHostName'],
  },
  // Its properties are the app's settings, which checkSettings.ts looks at.
  'Microsoft.Web/sites/config': {
    version: '2025-05-01',
    shape: { ...child, name: ['appsettings'], properties: 'any' },
  },
  'Microsoft.Authorization/roleAssignments': {
    version: '2022-04-01',
    shape: {
      scope: 'any',
      name: 'any',
      properties: { principalId: 'any', principalType: 'any', roleDefinitionId: 'any' },
    },
  },
};
