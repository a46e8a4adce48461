/*
 * The types of resources that the template may use, with the API version and the properties that it may and must have. It is written
 * from Microsoft's reference of each type. Where Azure has a default that is not right for this app, like keys that open an account, the
 * property is required here.
 */

/**
 * What a value must be: anything, one of some literals, an object with these properties, or an array of one shape. Names that end with
 * "?" may be missing.
 */
export type Shape = 'any' | readonly string[] | { readonly each: Shape } | { readonly [name: string]: Shape };

export interface ResourceType {
  readonly version: string;
  readonly shape: { readonly [name: string]: Shape };
  /** What Azure adds and the template may read, besides id and name. */
  readonly reads?: readonly string[];
}

const placed = { name: 'any', location: 'any', tags: 'any' } as const;
const child = { parent: 'any', name: 'any' } as const;
const firewallRule = { ...child, properties: { startIpAddress: ['0.0.0.0'], endIpAddress: ['0.0.0.0'] } };
/** The app's identity is named by a property whose name is put together. */
const idOfIdentity = `\${identityId}`;
const sqlCollation = ['SQL_Latin1_General_CP1_CI_AS'];

export const resourceTypes: Readonly<Record<string, ResourceType>> = {
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
    // Whoever may manage may do everything.
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
  'Microsoft.OperationalInsights/workspaces': {
    version: '2023-09-01',
    shape: { ...placed, properties: { sku: { name: ['PerGB2018'] }, retentionInDays: 'any' } },
  },
  'Microsoft.Insights/components': {
    version: '2020-02-02',
    shape: {
      ...placed,
      kind: ['web'],
      properties: { Application_Type: ['web'], WorkspaceResourceId: 'any', DisableLocalAuth: ['true'] },
    },
    reads: ['properties.ConnectionString'],
  },
  'Microsoft.Insights/actionGroups': {
    version: '2023-01-01',
    shape: {
      ...placed,
      location: ['global'],
      properties: {
        enabled: ['true'],
        groupShortName: 'any',
        emailReceivers: { each: { name: 'any', emailAddress: 'any', useCommonAlertSchema: ['true'] } },
      },
    },
  },
  'Microsoft.Insights/webtests': {
    version: '2022-06-15',
    shape: {
      ...placed,
      kind: ['standard'],
      properties: {
        SyntheticMonitorId: 'any',
        Name: 'any',
        Kind: ['standard'],
        Enabled: ['true'],
        Frequency: ['300', '600', '900'],
        Timeout: 'any',
        RetryEnabled: ['true'],
        Locations: { each: { Id: 'any' } },
        Request: { RequestUrl: 'any', HttpVerb: ['GET'] },
        ValidationRules: { ExpectedHttpStatusCode: ['200'] },
      },
    },
  },
  'Microsoft.Insights/scheduledQueryRules': {
    version: '2022-06-15',
    shape: {
      ...placed,
      properties: {
        displayName: 'any',
        description: 'any',
        severity: 'any',
        enabled: ['true'],
        autoMitigate: ['true'],
        evaluationFrequency: ['PT5M', 'PT10M', 'PT15M'],
        windowSize: ['PT5M', 'PT10M', 'PT15M'],
        scopes: 'any',
        criteria: {
          allOf: {
            each: {
              query: 'any',
              timeAggregation: ['Count'],
              operator: ['GreaterThan'],
              threshold: 'any',
              failingPeriods: { numberOfEvaluationPeriods: 'any', minFailingPeriodsToAlert: 'any' },
            },
          },
        },
        actions: { actionGroups: 'any' },
      },
    },
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
  'Microsoft.Synapse/workspaces': {
    version: '2021-06-01',
    shape: {
      ...placed,
      identity: { type: ['SystemAssigned'] },
      properties: {
        azureADOnlyAuthentication: ['true'],
        defaultDataLakeStorage: { accountUrl: 'any', filesystem: 'any' },
        'managedResourceGroupName?': 'any',
      },
    },
    reads: [
      'identity.principalId',
      'properties.connectivityEndpoints.sql',
      'properties.connectivityEndpoints.sqlOnDemand',
    ],
  },
  'Microsoft.Synapse/workspaces/administrators': {
    version: '2021-06-01',
    shape: {
      ...child,
      name: ['activeDirectory'],
      properties: { administratorType: ['ActiveDirectory'], login: 'any', sid: 'any', tenantId: 'any' },
    },
  },
  'Microsoft.Synapse/workspaces/firewallRules': { version: '2021-06-01', shape: firewallRule },
  'Microsoft.Synapse/workspaces/sqlPools': {
    version: '2021-06-01',
    shape: {
      ...child,
      location: 'any',
      tags: 'any',
      sku: { name: ['DW100c', 'DW200c', 'DW500c'] },
      properties: { createMode: ['Default'], collation: sqlCollation },
    },
  },
  'Microsoft.Sql/servers': {
    version: '2023-08-01',
    shape: {
      ...placed,
      identity: { type: ['SystemAssigned'] },
      properties: {
        version: ['12.0'],
        minimalTlsVersion: ['1.2', '1.3'],
        administrators: {
          administratorType: ['ActiveDirectory'],
          azureADOnlyAuthentication: ['true'],
          login: 'any',
          principalType: 'any',
          sid: 'any',
          tenantId: 'any',
        },
      },
    },
    reads: ['properties.fullyQualifiedDomainName'],
  },
  'Microsoft.Sql/servers/firewallRules': { version: '2023-08-01', shape: firewallRule },
  'Microsoft.Sql/servers/databases': {
    version: '2023-08-01',
    shape: {
      ...child,
      location: 'any',
      tags: 'any',
      sku: { name: ['GP_S_Gen5'], tier: ['GeneralPurpose'], family: ['Gen5'], capacity: 'any' },
      // Without a delay, a serverless database never pauses.
      properties: { autoPauseDelay: ['60'], minCapacity: 'any', collation: sqlCollation },
    },
  },
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
        // Without it, references to Key Vault are resolved with a system-assigned identity, which there is none.
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
