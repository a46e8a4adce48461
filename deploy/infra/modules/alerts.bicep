// The alerts. Each rule but health-fails reads the lines of the log by their stable names, which docs/errors.md lists. An alert ends by
// itself when such lines stop.
param token string
param location string
param tags object
param insightsId string
param healthUrl string
param email string

var rules = [
  {
    name: 'batches-fail'
    severity: 1
    text: 'Batches of a partition fail: its events wait. GET /api/health says why, and what to do.'
    query: 'traces | where message startswith "{\\"event\\":\\"batch-failed\\""'
    most: 5
  }
  {
    name: 'dead-letters'
    severity: 3
    text: 'Events could not become rows. "npm run dead-letters" shows them with the reasons.'
    query: 'traces | where message startswith "{\\"event\\":\\"round\\"" | extend letters = toint(parse_json(message).letters) | where letters > 0'
    most: 0
  }
  {
    name: 'events-late'
    severity: 2
    text: 'Events waited for more than five minutes before they were committed. GET /api/health says how many wait, and docs/operations.md how to scale.'
    query: 'traces | where message startswith "{\\"event\\":\\"round\\"" | extend lag = tolong(parse_json(message).lagMs) | where lag > 300000'
    most: 5
  }
  {
    name: 'warehouse-behind'
    severity: 2
    text: 'Rows are not loaded into the warehouse. The lake is not affected. "npm run warehouse -- status" says how far it is behind.'
    query: 'traces | where message startswith "{\\"event\\":\\"load-failed\\"" or message startswith "{\\"event\\":\\"warehouse-problem\\""'
    most: 5
  }
  {
    name: 'settings-invalid'
    severity: 1
    text: 'Settings are missing or malformed. The line of the log names them.'
    query: 'traces | where message startswith "{\\"event\\":\\"settings-invalid\\""'
    most: 0
  }
  {
    name: 'health-fails'
    severity: 1
    text: 'GET /api/health answers that something fails, for example a stuck partition, or it does not answer.'
    // The column is a text, in which Azure has written both 0 and false.
    query: 'availabilityResults | where tostring(success) in~ ("0", "false")'
    most: 1
  }
]

resource receivers 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'alerts-${token}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'tributary'
    emailReceivers: [
      {
        name: 'email'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource health 'Microsoft.Insights/webtests@2022-06-15' = {
  name: 'health-${token}'
  location: location
  tags: union(tags, { 'hidden-link:${insightsId}': 'Resource' })
  kind: 'standard'
  properties: {
    SyntheticMonitorId: 'health-${token}'
    Name: 'health-${token}'
    Kind: 'standard'
    Enabled: true
    Frequency: 300
    Timeout: 30
    RetryEnabled: true
    Locations: [
      { Id: 'emea-nl-ams-azr' }
    ]
    Request: {
      RequestUrl: healthUrl
      HttpVerb: 'GET'
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
    }
  }
}

resource alert 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = [for rule in rules: {
  name: '${rule.name}-${token}'
  location: location
  tags: tags
  properties: {
    displayName: rule.name
    description: rule.text
    severity: rule.severity
    enabled: true
    autoMitigate: true
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    scopes: [ insightsId ]
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: rule.most
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: empty(email) ? [] : [ receivers.id ]
    }
  }
}]
