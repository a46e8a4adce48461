import { placed, type ResourceTypes } from './resourceShape';

/** What watches the app: logs, the web test, alerts and whom they tell. */
export const monitoringTypes: ResourceTypes = {
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
};
