import { child, placed, type ResourceTypes } from './resourceShape';

const firewallRule = { ...child, properties: { startIpAddress: ['0.0.0.0'], endIpAddress: ['0.0.0.0'] } };
const sqlCollation = ['SQL_Latin1_General_CP1_CI_AS'];

/** The warehouses that can be chosen: a dedicated pool of Synapse, or Azure SQL. */
export const warehouseTypes: ResourceTypes = {
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
};
