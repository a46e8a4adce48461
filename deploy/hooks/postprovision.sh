#!/bin/sh
# What remains to be done after azd has made the resources: settings for the commands on this machine, and the app's user in the
# warehouse. azd runs it with the outputs of deploy/infra/main.bicep as environment variables. It can be run again at any time.
# It needs az, and with a warehouse also sqlcmd. Not yet run against Azure.
set -eu

: "${AZURE_RESOURCE_GROUP:?}" "${FUNCTION_APP_NAME:?}" "${FUNCTION_APP_HOST:?}" "${IDENTITY_NAME:?}" "${EVENT_HUBS_NAMESPACE:?}"
: "${CONSUMER_GROUP:?}" "${LAKE_BLOB_ENDPOINT:?}" "${LAKE_CONTAINER:?}" "${HOST_BLOB_ENDPOINT:?}" "${WAREHOUSE_KIND:?}"
cd "$(dirname "$0")/../.."

# Settings that somebody wrote are not overwritten. Settings that this hook wrote are recognised by the lake, which only the template makes;
# a namespace may have existed before.
settings=local.settings.json
if [ -e "$settings" ] && ! grep -qF "\"$LAKE_BLOB_ENDPOINT\"" "$settings"; then settings=local.settings.azure.json; fi

warehouse=none
hasNoLoads=true
if [ "$WAREHOUSE_KIND" != none ]; then
  : "${WAREHOUSE_SERVER:?}" "${WAREHOUSE_DATABASE:?}"
  for tool in az sqlcmd; do
    if ! command -v "$tool" >/dev/null; then
      echo "A warehouse needs $tool, which was not found. docs/deploy.md says where it is. Then run: azd hooks run postprovision" >&2
      exit 1
    fi
  done
  warehouse="Server=tcp:$WAREHOUSE_SERVER,1433;Database=$WAREHOUSE_DATABASE;Authentication=Active Directory Default;Encrypt=true"
  hasNoLoads=false
fi

cat >"$settings" <<SETTINGS
{
  "IsEncrypted": false,
  "Values": {
    "FUNCTIONS_WORKER_RUNTIME": "node",
    "AzureWebJobsStorage__blobServiceUri": "$HOST_BLOB_ENDPOINT",
    "EventHubConnection__fullyQualifiedNamespace": "$EVENT_HUBS_NAMESPACE",
    "LakeStorage__blobServiceUri": "$LAKE_BLOB_ENDPOINT",
    "LAKE_CONTAINER": "$LAKE_CONTAINER",
    "CONSUMER_GROUP": "$CONSUMER_GROUP",
    "CLICKSTREAM_HUB": "clickstream",
    "CLICKSTREAM_SCHEDULE": "*/10 * * * * *",
    "CLICKS_PER_SECOND": "0",
    "COINCAP_HUB": "coincap",
    "COINCAP_SCHEDULE": "0 */30 * * * *",
    "WAREHOUSE": "$warehouse",
    "AzureWebJobs.syncWarehouse.Disabled": "$hasNoLoads"
  }
}
SETTINGS
echo "Settings for the commands on this machine, which use your own login: $settings"

# The database's firewall lets in addresses of Azure. This machine has another address, so it gets a rule.
open_firewall() {
  address=$(curl -fsS https://api.ipify.org)
  name=${WAREHOUSE_SERVER%%.*}
  if [ "$WAREHOUSE_KIND" = dedicatedPool ]; then
    az synapse workspace firewall-rule create --resource-group "$AZURE_RESOURCE_GROUP" --workspace-name "$name" \
      --name deployer --start-ip-address "$address" --end-ip-address "$address" --output none
  else
    az sql server firewall-rule create --resource-group "$AZURE_RESOURCE_GROUP" --server "$name" \
      --name deployer --start-ip-address "$address" --end-ip-address "$address" --output none
  fi
}

# -G: logs in as the Entra administrator, who is the person that deploys. -l: waits a minute, which a paused database needs to answer.
sql() { sqlcmd -S "tcp:$WAREHOUSE_SERVER,1433" -d "$WAREHOUSE_DATABASE" -G -l 120 "$@"; }

# A firewall takes up to five minutes to apply a new rule, and a paused database takes a minute to answer.
make_tables() {
  for wait in 15 30 60 120 120; do
    if npm run --silent warehouse -- init --settings "$settings"; then return; fi
    echo "The tables of the warehouse were not made. That is tried again in $wait seconds: the firewall may not know this machine yet."
    sleep "$wait"
  done
  npm run --silent warehouse -- init --settings "$settings"
}

if [ "$WAREHOUSE_KIND" != none ]; then
  open_firewall
  make_tables
  script=$(mktemp)
  trap 'rm -f "$script"' EXIT
  sed -e "s/^CREATE USER \[<app>\]/IF NOT EXISTS (SELECT * FROM sys.database_principals WHERE name = '$IDENTITY_NAME') &/" \
    -e "s/<app>/$IDENTITY_NAME/g" deploy/sql/loader.sql >"$script"
  # Azure SQL does not know one of the rights and refuses that statement. So the script goes on after errors, and the rights that count are
  # checked afterwards.
  sql -i "$script"
  sql -b -Q "IF NOT EXISTS (SELECT * FROM sys.database_permissions AS r JOIN sys.database_principals AS u ON u.principal_id = r.grantee_principal_id WHERE u.name = '$IDENTITY_NAME' AND r.permission_name = 'INSERT') THROW 50000, 'The user of the app was not made. See the messages above.', 1"
  echo "The app may load rows into $WAREHOUSE_DATABASE as the user $IDENTITY_NAME."
fi

cat <<CLOSING

Once the app is deployed:
  Dashboard           https://$FUNCTION_APP_HOST/api/dashboard#key=FUNCTION_KEY
  FUNCTION_KEY        az functionapp keys list -g $AZURE_RESOURCE_GROUP -n $FUNCTION_APP_NAME --query functionKeys.default -o tsv
  Is all well?        npm run doctor -- --settings $settings
CLOSING
if [ "${SERVERLESS_SQL_ENDPOINT:-}" ]; then echo "  SQL over the lake   $SERVERLESS_SQL_ENDPOINT, with deploy/sql/serverless.sql"; fi
if [ "${CLICKS_PER_SECOND:-0}" != 0 ]; then
  echo "The app makes up $CLICKS_PER_SECOND clicks a second. This ends it:"
  echo "  az functionapp config appsettings set -g $AZURE_RESOURCE_GROUP -n $FUNCTION_APP_NAME --settings CLICKS_PER_SECOND=0 --output none"
  echo "The next 'azd up' or 'azd provision' would begin it again, unless you also run: azd env set CLICKS_PER_SECOND 0"
fi
