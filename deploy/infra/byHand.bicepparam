// For whoever deploys without azd, after setting the variables that it names:
//   az deployment sub create --location REGION --parameters deploy/infra/byHand.bicepparam
using './main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')
param principalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID')
param warehouse = readEnvironmentVariable('TRIBUTARY_WAREHOUSE')
param principalType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')
param lakeRedundancy = readEnvironmentVariable('LAKE_REDUNDANCY', 'Standard_ZRS')
param coincapApiKey = readEnvironmentVariable('COINCAP_API_KEY', '')
