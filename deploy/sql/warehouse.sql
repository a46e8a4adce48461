-- The tables of a dedicated SQL pool, made where they are missing, and the columns that a ledger of an earlier version lacks:
-- what "npm run warehouse -- init" runs.
-- "npm run warehouse -- script" prints it.

IF NOT EXISTS (SELECT * FROM sys.schemas WHERE name = 'ops') EXEC('CREATE SCHEMA [ops]');
GO

IF NOT EXISTS (SELECT * FROM sys.objects WHERE object_id = OBJECT_ID('ops.load_ledger')) CREATE TABLE ops.load_ledger (
  table_name varchar(255) NOT NULL,
  delta_id varchar(255) NOT NULL,
  last_version bigint NOT NULL,
  batch_token varchar(36) NOT NULL,
  last_mark varchar(64) NULL,
  mark_version bigint NULL
) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP);
GO

IF NOT EXISTS (SELECT * FROM sys.objects WHERE object_id = OBJECT_ID('ops.rejected_rows')) CREATE TABLE ops.rejected_rows (
  table_name varchar(255) NOT NULL,
  hub_created_at datetime2(6) NOT NULL,
  hub_partition int NOT NULL,
  sequence_number bigint NOT NULL,
  element int NOT NULL,
  reason varchar(400) NOT NULL,
  row_json nvarchar(max) NOT NULL
) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP);
GO

IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('ops.load_ledger') AND name = 'mark_version') ALTER TABLE ops.load_ledger ADD last_mark varchar(64) NULL, mark_version bigint NULL;
GO

IF NOT EXISTS (SELECT * FROM sys.schemas WHERE name = 'clickstream') EXEC('CREATE SCHEMA [clickstream]');
GO

IF NOT EXISTS (SELECT * FROM sys.objects WHERE object_id = OBJECT_ID('clickstream.clicks')) CREATE TABLE [clickstream].[clicks] (
  [productid] int,
  [timestamp] datetime2(6),
  [sessionid] bigint,
  [category] int,
  [enqueued_at] datetime2(6),
  [hub_created_at] datetime2(6),
  [hub_partition] int,
  [sequence_number] bigint,
  [element] int
) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP);
GO

INSERT INTO ops.load_ledger (table_name, delta_id, last_version, batch_token) SELECT 'clickstream.clicks', '', -1, '' WHERE NOT EXISTS (SELECT * FROM ops.load_ledger WHERE table_name = 'clickstream.clicks');
GO

IF NOT EXISTS (SELECT * FROM sys.schemas WHERE name = 'assets') EXEC('CREATE SCHEMA [assets]');
GO

IF NOT EXISTS (SELECT * FROM sys.objects WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3')) CREATE TABLE [assets].[asset_statistics_history_v3] (
  [id_asset_statistics_history] bigint IDENTITY(1,1),
  [id] varchar(255),
  [asset_rank] bigint,
  [symbol] varchar(255),
  [asset_name] varchar(255),
  [supply] float,
  [maxSupply] float,
  [marketCapUsd] float,
  [volumeUsd24Hr] float,
  [priceUsd] float,
  [changePercent24Hr] float,
  [vwap24Hr] float,
  [explorer] varchar(255),
  [runtime_timestamp] datetime
) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP);
GO

INSERT INTO ops.load_ledger (table_name, delta_id, last_version, batch_token) SELECT 'assets.asset_statistics_history_v3', '', -1, '' WHERE NOT EXISTS (SELECT * FROM ops.load_ledger WHERE table_name = 'assets.asset_statistics_history_v3');
GO

