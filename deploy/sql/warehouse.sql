-- The tables of a dedicated SQL pool, made where they are missing, and the columns that tables of an earlier version lack:
-- what "npm run warehouse -- init" runs.
-- "npm run warehouse -- script" prints it.
-- Not run on a real dedicated SQL pool: the server of the project's tests ran it, which follows Microsoft's documentation.

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

BEGIN TRANSACTION;
UPDATE ops.load_ledger SET last_version = last_version WHERE table_name = 'clickstream.clicks';
IF NOT EXISTS (SELECT * FROM sys.objects WHERE object_id = OBJECT_ID('clickstream.clicks')) BEGIN
UPDATE ops.load_ledger SET delta_id = '', last_version = -1 WHERE table_name = 'clickstream.clicks' AND delta_id NOT LIKE '%:%';
DELETE FROM ops.rejected_rows WHERE table_name = 'clickstream.clicks';
END;
COMMIT;
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

BEGIN TRANSACTION;
UPDATE ops.load_ledger SET last_version = last_version WHERE table_name = 'clickstream.clicks';
INSERT INTO ops.load_ledger (table_name, delta_id, last_version, batch_token) SELECT 'clickstream.clicks', '', -1, '' WHERE NOT EXISTS (SELECT * FROM ops.load_ledger WHERE table_name = 'clickstream.clicks');
COMMIT;
GO

IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('clickstream.clicks') AND name = 'productid') ALTER TABLE [clickstream].[clicks] ADD [productid] int NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('clickstream.clicks') AND name = 'timestamp') ALTER TABLE [clickstream].[clicks] ADD [timestamp] datetime2(6) NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('clickstream.clicks') AND name = 'sessionid') ALTER TABLE [clickstream].[clicks] ADD [sessionid] bigint NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('clickstream.clicks') AND name = 'category') ALTER TABLE [clickstream].[clicks] ADD [category] int NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('clickstream.clicks') AND name = 'enqueued_at') ALTER TABLE [clickstream].[clicks] ADD [enqueued_at] datetime2(6) NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('clickstream.clicks') AND name = 'hub_created_at') ALTER TABLE [clickstream].[clicks] ADD [hub_created_at] datetime2(6) NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('clickstream.clicks') AND name = 'hub_partition') ALTER TABLE [clickstream].[clicks] ADD [hub_partition] int NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('clickstream.clicks') AND name = 'sequence_number') ALTER TABLE [clickstream].[clicks] ADD [sequence_number] bigint NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('clickstream.clicks') AND name = 'element') ALTER TABLE [clickstream].[clicks] ADD [element] int NULL;
GO

IF NOT EXISTS (SELECT * FROM sys.objects WHERE object_id = OBJECT_ID('clickstream.clicks_per_product')) EXEC('CREATE VIEW [clickstream].[clicks_per_product] AS
SELECT productid, category, clicks
FROM (
  SELECT productid, category,
    COUNT_BIG(*) OVER (PARTITION BY productid) AS clicks,
    ROW_NUMBER() OVER (
      PARTITION BY productid
      ORDER BY CASE WHEN category IS NULL THEN 1 ELSE 0 END, enqueued_at DESC, category DESC
    ) AS place
  FROM [clickstream].[clicks]
) AS ranked
WHERE place = 1');
GO

IF NOT EXISTS (SELECT * FROM sys.objects WHERE object_id = OBJECT_ID('clickstream.clicks_per_session')) EXEC('CREATE VIEW [clickstream].[clicks_per_session] AS
SELECT sessionid,
  MIN("timestamp") AS first_click,
  MAX("timestamp") AS last_click,
  DATEDIFF_BIG(millisecond, MIN("timestamp"), MAX("timestamp")) / 1000.0 AS seconds,
  COUNT_BIG(*) AS clicks,
  MAX(CASE WHEN from_first = 1 THEN productid END) AS first_product,
  MAX(CASE WHEN from_last = 1 THEN productid END) AS last_product
FROM (
  SELECT sessionid, "timestamp", productid,
    ROW_NUMBER() OVER (
      PARTITION BY sessionid
      ORDER BY CASE WHEN "timestamp" IS NULL THEN 1 ELSE 0 END, "timestamp", hub_partition, sequence_number, element
    ) AS from_first,
    ROW_NUMBER() OVER (
      PARTITION BY sessionid
      ORDER BY CASE WHEN "timestamp" IS NULL THEN 1 ELSE 0 END, "timestamp" DESC, hub_partition DESC, sequence_number DESC, element DESC
    ) AS from_last
  FROM [clickstream].[clicks]
  WHERE sessionid IS NOT NULL
) AS ordered
GROUP BY sessionid');
GO

IF NOT EXISTS (SELECT * FROM sys.schemas WHERE name = 'assets') EXEC('CREATE SCHEMA [assets]');
GO

BEGIN TRANSACTION;
UPDATE ops.load_ledger SET last_version = last_version WHERE table_name = 'assets.asset_statistics_history_v3';
IF NOT EXISTS (SELECT * FROM sys.objects WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3')) BEGIN
UPDATE ops.load_ledger SET delta_id = '', last_version = -1 WHERE table_name = 'assets.asset_statistics_history_v3' AND delta_id NOT LIKE '%:%';
DELETE FROM ops.rejected_rows WHERE table_name = 'assets.asset_statistics_history_v3';
END;
COMMIT;
GO

IF NOT EXISTS (SELECT * FROM sys.objects WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3')) CREATE TABLE [assets].[asset_statistics_history_v3] (
  [id_asset_statistics_history] bigint IDENTITY(1,1),
  [id] varchar(255) COLLATE SQL_Latin1_General_CP1_CI_AS,
  [asset_rank] bigint,
  [symbol] varchar(255) COLLATE SQL_Latin1_General_CP1_CI_AS,
  [asset_name] varchar(255) COLLATE SQL_Latin1_General_CP1_CI_AS,
  [supply] float,
  [maxSupply] float,
  [marketCapUsd] float,
  [volumeUsd24Hr] float,
  [priceUsd] float,
  [changePercent24Hr] float,
  [vwap24Hr] float,
  [explorer] varchar(255) COLLATE SQL_Latin1_General_CP1_CI_AS,
  [runtime_timestamp] datetime
) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP);
GO

BEGIN TRANSACTION;
UPDATE ops.load_ledger SET last_version = last_version WHERE table_name = 'assets.asset_statistics_history_v3';
INSERT INTO ops.load_ledger (table_name, delta_id, last_version, batch_token) SELECT 'assets.asset_statistics_history_v3', '', -1, '' WHERE NOT EXISTS (SELECT * FROM ops.load_ledger WHERE table_name = 'assets.asset_statistics_history_v3');
COMMIT;
GO

IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3') AND name = 'id') ALTER TABLE [assets].[asset_statistics_history_v3] ADD [id] varchar(255) COLLATE SQL_Latin1_General_CP1_CI_AS NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3') AND name = 'asset_rank') ALTER TABLE [assets].[asset_statistics_history_v3] ADD [asset_rank] bigint NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3') AND name = 'symbol') ALTER TABLE [assets].[asset_statistics_history_v3] ADD [symbol] varchar(255) COLLATE SQL_Latin1_General_CP1_CI_AS NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3') AND name = 'asset_name') ALTER TABLE [assets].[asset_statistics_history_v3] ADD [asset_name] varchar(255) COLLATE SQL_Latin1_General_CP1_CI_AS NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3') AND name = 'supply') ALTER TABLE [assets].[asset_statistics_history_v3] ADD [supply] float NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3') AND name = 'maxSupply') ALTER TABLE [assets].[asset_statistics_history_v3] ADD [maxSupply] float NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3') AND name = 'marketCapUsd') ALTER TABLE [assets].[asset_statistics_history_v3] ADD [marketCapUsd] float NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3') AND name = 'volumeUsd24Hr') ALTER TABLE [assets].[asset_statistics_history_v3] ADD [volumeUsd24Hr] float NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3') AND name = 'priceUsd') ALTER TABLE [assets].[asset_statistics_history_v3] ADD [priceUsd] float NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3') AND name = 'changePercent24Hr') ALTER TABLE [assets].[asset_statistics_history_v3] ADD [changePercent24Hr] float NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3') AND name = 'vwap24Hr') ALTER TABLE [assets].[asset_statistics_history_v3] ADD [vwap24Hr] float NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3') AND name = 'explorer') ALTER TABLE [assets].[asset_statistics_history_v3] ADD [explorer] varchar(255) COLLATE SQL_Latin1_General_CP1_CI_AS NULL;
IF NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('assets.asset_statistics_history_v3') AND name = 'runtime_timestamp') ALTER TABLE [assets].[asset_statistics_history_v3] ADD [runtime_timestamp] datetime NULL;
GO

IF NOT EXISTS (SELECT * FROM sys.objects WHERE object_id = OBJECT_ID('assets.newest_assets')) EXEC('CREATE VIEW [assets].[newest_assets] AS
SELECT id, symbol, asset_name, "priceUsd", "marketCapUsd", runtime_timestamp
FROM (
  SELECT id, symbol, asset_name, "priceUsd", "marketCapUsd", runtime_timestamp,
    ROW_NUMBER() OVER (
      PARTITION BY id
      ORDER BY runtime_timestamp DESC, CASE WHEN "priceUsd" IS NULL THEN 1 ELSE 0 END, "priceUsd" DESC
    ) AS age
  FROM [assets].[asset_statistics_history_v3]
) AS history
WHERE age = 1');
GO
