# The same as postprovision.sh, for Windows. A test reads it and compares its steps with that one; it was not yet run, neither against Azure
# nor without it.
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true

foreach ($name in 'AZURE_RESOURCE_GROUP', 'FUNCTION_APP_NAME', 'FUNCTION_APP_HOST', 'IDENTITY_NAME', 'EVENT_HUBS_NAMESPACE',
  'CONSUMER_GROUP', 'LAKE_BLOB_ENDPOINT', 'LAKE_CONTAINER', 'HOST_BLOB_ENDPOINT', 'WAREHOUSE_KIND') {
  if (-not [Environment]::GetEnvironmentVariable($name)) { throw "The output $name of the template is missing: run it with azd." }
}
Set-Location (Join-Path $PSScriptRoot '../..')

# Settings that somebody wrote are not overwritten. Settings that this hook wrote are recognised by the lake, which only the template makes;
# a namespace may have existed before.
$settings = 'local.settings.json'
if ((Test-Path $settings) -and -not (Select-String -Path $settings -SimpleMatch "`"$env:LAKE_BLOB_ENDPOINT`"" -Quiet)) {
  $settings = 'local.settings.azure.json'
}

$hasWarehouse = $env:WAREHOUSE_KIND -ne 'none'
$warehouse = 'none'
if ($hasWarehouse) {
  foreach ($name in 'WAREHOUSE_SERVER', 'WAREHOUSE_DATABASE') {
    if (-not [Environment]::GetEnvironmentVariable($name)) { throw "The output $name of the template is missing: run it with azd." }
  }
  foreach ($tool in 'az', 'sqlcmd') {
    if (-not (Get-Command $tool -ErrorAction SilentlyContinue)) {
      throw "A warehouse needs $tool, which was not found. docs/deploy.md says where it is. Then run: azd hooks run postprovision"
    }
  }
  $warehouse = "Server=tcp:$env:WAREHOUSE_SERVER,1433;Database=$env:WAREHOUSE_DATABASE;Authentication=Active Directory Default;Encrypt=true"
}

@{
  IsEncrypted = $false
  Values      = [ordered]@{
    FUNCTIONS_WORKER_RUNTIME                    = 'node'
    AzureWebJobsStorage__blobServiceUri         = $env:HOST_BLOB_ENDPOINT
    EventHubConnection__fullyQualifiedNamespace = $env:EVENT_HUBS_NAMESPACE
    LakeStorage__blobServiceUri                 = $env:LAKE_BLOB_ENDPOINT
    LAKE_CONTAINER                              = $env:LAKE_CONTAINER
    CONSUMER_GROUP                              = $env:CONSUMER_GROUP
    CLICKSTREAM_HUB                             = 'clickstream'
    CLICKSTREAM_SCHEDULE                        = '*/10 * * * * *'
    CLICKS_PER_SECOND                           = '0'
    COINCAP_HUB                                 = 'coincap'
    COINCAP_SCHEDULE                            = '0 */30 * * * *'
    WAREHOUSE                                   = $warehouse
    'AzureWebJobs.syncWarehouse.Disabled'       = "$(-not $hasWarehouse)".ToLower()
  }
} | ConvertTo-Json | Set-Content $settings
Write-Output "Settings for the commands on this machine, which use your own login: $settings"

if ($hasWarehouse) {
  # The database's firewall lets in addresses of Azure. This machine has another address, so it gets a rule.
  $address = (Invoke-RestMethod 'https://api.ipify.org').Trim()
  $server = $env:WAREHOUSE_SERVER.Split('.')[0]
  $range = '--name', 'deployer', '--start-ip-address', $address, '--end-ip-address', $address, '--output', 'none'
  if ($env:WAREHOUSE_KIND -eq 'dedicatedPool') {
    az synapse workspace firewall-rule create --resource-group $env:AZURE_RESOURCE_GROUP --workspace-name $server @range
  } else {
    az sql server firewall-rule create --resource-group $env:AZURE_RESOURCE_GROUP --server $server @range
  }
  # A firewall takes up to five minutes to apply a new rule, and a paused database takes a minute to answer.
  foreach ($wait in 15, 30, 60, 120, 120, 0) {
    try {
      # npm is not used here, because its script for PowerShell drops the two dashes in some versions.
      node local/run.mjs node dist/src/cli/warehouse.js init --settings $settings
      break
    } catch {
      if ($wait -eq 0) { throw }
      Write-Output "The tables of the warehouse were not made. That is tried again in $wait seconds: the firewall may not know this machine yet."
      Start-Sleep -Seconds $wait
    }
  }

  $app = $env:IDENTITY_NAME
  $script = New-TemporaryFile
  (Get-Content deploy/sql/loader.sql) `
    -replace '^CREATE USER \[<app>\]', "IF NOT EXISTS (SELECT * FROM sys.database_principals WHERE name = '$app') CREATE USER [<app>]" `
    -replace '<app>', $app | Set-Content $script
  $login = '-S', "tcp:$env:WAREHOUSE_SERVER,1433", '-d', $env:WAREHOUSE_DATABASE, '-G', '-l', '120'
  # Azure SQL does not know one of the rights and refuses that statement. So the script goes on after errors, and the rights that count are
  # checked afterwards.
  sqlcmd @login -i $script
  sqlcmd @login -b -Q "IF NOT EXISTS (SELECT * FROM sys.database_permissions AS r JOIN sys.database_principals AS u ON u.principal_id = r.grantee_principal_id WHERE u.name = '$app' AND r.permission_name = 'INSERT') THROW 50000, 'The user of the app was not made. See the messages above.', 1"
  Remove-Item $script
  Write-Output "The app may load rows into $env:WAREHOUSE_DATABASE as the user $app."
}

Write-Output @"

Once the app is deployed:
  Dashboard           https://$env:FUNCTION_APP_HOST/api/dashboard#key=FUNCTION_KEY
  FUNCTION_KEY        az functionapp keys list -g $env:AZURE_RESOURCE_GROUP -n $env:FUNCTION_APP_NAME --query functionKeys.default -o tsv
  Is all well?        npm run doctor -- --settings $settings
"@
if ($env:SERVERLESS_SQL_ENDPOINT) { Write-Output "  SQL over the lake   $env:SERVERLESS_SQL_ENDPOINT, with deploy/sql/serverless.sql" }
if ($env:CLICKS_PER_SECOND -and $env:CLICKS_PER_SECOND -ne '0') {
  Write-Output "The app makes up $env:CLICKS_PER_SECOND clicks a second. This ends it:"
  Write-Output "  az functionapp config appsettings set -g $env:AZURE_RESOURCE_GROUP -n $env:FUNCTION_APP_NAME --settings CLICKS_PER_SECOND=0 --output none"
  Write-Output "The next 'azd up' or 'azd provision' would begin it again, unless you also run: azd env set CLICKS_PER_SECOND 0"
}
