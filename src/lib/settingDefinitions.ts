export interface SettingDefinition {
  readonly name: string;
  /** What it means, in the words of docs/settings.md. */
  readonly meaning: string;
  readonly expected: string;
  /** What applies where it is not set; without one it must be set. */
  readonly default?: string;
}

/** Every setting of the app, in the order of docs/settings.md. */
export const settingDefinitions: readonly SettingDefinition[] = [
  {
    name: 'EventHubConnection',
    meaning:
      'The Event Hubs namespace. With a managed identity set `EventHubConnection__fullyQualifiedNamespace` instead, and `EventHubConnection__clientId` for a user-assigned one.',
    expected: 'Endpoint=sb://<namespace>/;SharedAccessKeyName=<policy>;SharedAccessKey=<key>',
  },
  {
    name: 'LakeStorage',
    meaning:
      'The storage account of the lake. With a managed identity set `LakeStorage__blobServiceUri` instead, and `LakeStorage__clientId` for a user-assigned one.',
    expected: 'a storage connection string with AccountName and AccountKey',
  },
  {
    name: 'LAKE_CONTAINER',
    meaning: 'The container of the Delta tables.',
    expected: 'a container name',
    default: 'lake',
  },
  {
    name: 'CONSUMER_GROUP',
    meaning: "The app's own consumer group, in every hub.",
    expected: 'a consumer group',
  },
  {
    name: 'CLICKSTREAM_HUB',
    meaning: 'The event hub of the clickstream.',
    expected: 'the name of an event hub',
  },
  {
    name: 'CLICKSTREAM_SCHEDULE',
    meaning: 'When clicks are emitted.',
    expected: 'an NCRONTAB expression or a time span like 00:00:05',
  },
  {
    name: 'CLICKS_PER_SECOND',
    meaning: 'How many clicks are emitted, however often the schedule fires.',
    expected: 'a number from 0 to 100000',
    default: '100',
  },
  {
    name: 'COMMIT_INTERVAL',
    meaning: 'Least time between two commits of one process to one table.',
    expected: 'a duration like 500ms, 1s or 1m, which is the most',
    default: '1s',
  },
  {
    name: 'ACCEPT_GAPS',
    meaning:
      'Go on where a reader ran ahead of the table, and put the range that was stepped over into `dead_letters`; otherwise its partition waits.',
    expected: 'true or false',
    default: 'false',
  },
  {
    name: 'WAREHOUSE',
    meaning:
      'Where rows are loaded besides the lake: a dedicated SQL pool, Azure SQL or SQL Server (ADO.NET or JDBC form, also with `Authentication=Active Directory Managed Identity`), or a DuckDB file on this machine.',
    expected: 'a connection string, duckdb:PATH or none',
    default: 'none',
  },
  {
    name: 'COUNTS_REFRESH',
    meaning:
      'Least time between two looks at the log for new clicks; requests in between are answered from memory.',
    expected: 'a duration like 500ms, 1s or 1m, which is the most',
    default: '250ms',
  },
  { name: 'COINCAP_HUB', meaning: 'The event hub of the assets.', expected: 'the name of an event hub' },
  {
    name: 'COINCAP_SCHEDULE',
    meaning:
      'When the assets are asked for. Every request costs credits of the CoinCap plan, so choose a thrifty schedule, like `0 */30 * * * *` for every half hour.',
    expected: 'an NCRONTAB expression or a time span like 00:30:00',
  },
  {
    name: 'COINCAP_URL',
    meaning: 'Where the CoinCap API is.',
    expected: 'an https URL; http only on this machine',
    default: 'https://rest.coincap.io',
  },
  {
    name: 'COINCAP_API_KEY',
    meaning: 'The key of the CoinCap API. Without one no assets are emitted; all else works.',
    expected: 'a key of the CoinCap API',
    default: '',
  },
];
