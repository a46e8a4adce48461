import { consumerGroupForm } from './hubNames';

export interface SettingDefinition {
  readonly name: string;
  /** The meaning, in the same words as in docs/settings.md. */
  readonly meaning: string;
  readonly expected: string;
  /** The value that applies if the setting is not set. A setting without a default is required. */
  readonly default?: string;
  /**
   * Says what is wrong with a value, in the words that follow the setting's name, like "is malformed". Without this check, any text is
   * accepted.
   */
  check?(value: string, environment: Environment): string | undefined;
  /** True if the value, or the default, means that a source has no events to send. Then its timer is not registered. */
  isOff?(value: string): boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The text of a setting in the environment, unchecked, or its default; undefined if it has neither. */
export const settingText = (
  { name, default: fallback }: Pick<SettingDefinition, 'name' | 'default'>,
  environment: Environment = process.env,
): string | undefined => environment[name]?.trim() || fallback;

/** Whether a setting disables a function. Like the real host, it also accepts underscores, because some shells allow no dots. */
export const isDisabled = (name: string, environment: Environment): boolean =>
  [environment[`AzureWebJobs.${name}.Disabled`], environment[`AzureWebJobs_${name}_Disabled`]].some((value) =>
    /^(?:true|1)$/i.test(value ?? ''),
  );

/** The connection string of an Event Hubs namespace. */
export const eventHubsForm = 'Endpoint=sb://<namespace>/;SharedAccessKeyName=<policy>;SharedAccessKey=<key>';

/** The app's own settings, in the order of docs/settings.md. Each stream adds its own. */
export const settingDefinitions: readonly SettingDefinition[] = [
  {
    name: 'EventHubConnection',
    meaning:
      'The Event Hubs namespace of all streams, or of those that have no connections of their own; not needed if all have. With a managed identity set `EventHubConnection__fullyQualifiedNamespace` instead.',
    expected: eventHubsForm,
  },
  {
    name: 'LakeStorage',
    meaning:
      'The storage account of the lake. With a managed identity set `LakeStorage__blobServiceUri` or `LakeStorage__accountName` instead.',
    expected:
      'a storage connection string with AccountName and AccountKey, or with BlobEndpoint and SharedAccessSignature',
  },
  {
    name: 'LAKE_CONTAINER',
    meaning: 'The container of the Delta tables.',
    expected: 'a container name of 3 to 63 lower-case letters and digits, with single hyphens between them',
    default: 'lake',
  },
  {
    name: 'CONSUMER_GROUP',
    meaning: "The app's own consumer group, in every hub.",
    expected: consumerGroupForm,
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
    name: 'WAREHOUSE_READER',
    meaning:
      'The login for `npm run warehouse -- query` in a database: one that may only read. The app does not use it.',
    expected: 'a connection string of the same database with a login of its own, or none',
    default: 'none',
  },
  {
    name: 'COUNTS_REFRESH',
    meaning:
      'Least time between two looks at the log for new clicks; requests in between are answered from memory.',
    expected: 'a duration like 500ms, 1s or 1m, which is the most',
    default: '250ms',
  },
  {
    name: 'COUNTED_PRODUCTS',
    meaning:
      'How many products are counted on their own. Further ones are counted together, as `other`. Memory grows with it: see below.',
    expected: 'a whole number from 1 to 1000000',
    default: '250000',
  },
  {
    name: 'TARGET_FILE_MB',
    meaning:
      'The size of the Parquet files that compaction makes of small ones, in MiB; files of half that size are left alone. Memory grows with it: see below.',
    expected: 'a whole number from 1 to 512',
    default: '32',
  },
];
