-- External tables and views of a serverless SQL pool over the Delta tables, in place: nothing is loaded or copied.
-- Replace <account> and the password. The workspace's managed identity needs "Storage Blob Data Reader" on the account.
-- Serverless pools read Delta tables of reader version 1, which ours are, and always their newest version.
-- Not run on a real serverless SQL pool: a test only compares the columns with those of the tables.

CREATE DATABASE lake COLLATE Latin1_General_100_BIN2_UTF8;
GO
USE lake;
GO
CREATE MASTER KEY ENCRYPTION BY PASSWORD = '<a strong password>';
GO
CREATE DATABASE SCOPED CREDENTIAL workspace_identity WITH IDENTITY = 'Managed Identity';
GO
CREATE EXTERNAL DATA SOURCE lake
WITH (LOCATION = 'https://<account>.dfs.core.windows.net/lake', CREDENTIAL = workspace_identity);
GO
CREATE EXTERNAL FILE FORMAT delta WITH (FORMAT_TYPE = DELTA);
GO

CREATE EXTERNAL TABLE dbo.clicks (
  productid int,
  [timestamp] datetime2(6),
  sessionid bigint,
  category int,
  enqueued_at datetime2(6),
  hub_created_at datetime2(6),
  hub_partition int,
  sequence_number bigint,
  element int,
  _rescued_data varchar(8000)
) WITH (LOCATION = 'clicks/', DATA_SOURCE = lake, FILE_FORMAT = delta);
GO

CREATE EXTERNAL TABLE dbo.assets (
  id varchar(4000),
  asset_rank bigint,
  symbol varchar(4000),
  asset_name varchar(4000),
  supply float,
  maxSupply float,
  marketCapUsd float,
  volumeUsd24Hr float,
  priceUsd float,
  changePercent24Hr float,
  vwap24Hr float,
  explorer varchar(4000),
  runtime_timestamp datetime2(6),
  enqueued_at datetime2(6),
  hub_created_at datetime2(6),
  hub_partition int,
  sequence_number bigint,
  element int,
  _rescued_data varchar(8000)
) WITH (LOCATION = 'assets/', DATA_SOURCE = lake, FILE_FORMAT = delta);
GO

-- The same without an external table: the pool finds the columns by itself.
CREATE VIEW dbo.clicks_in_place AS
SELECT * FROM OPENROWSET(BULK 'clicks/', DATA_SOURCE = 'lake', FORMAT = 'DELTA') AS rows;
GO

-- Fields of clicks that have no column, here `campaign`, from the JSON of those rows that have it. Once the stream has such a column,
-- COALESCE(campaign, JSON_VALUE(_rescued_data, '$.campaign')) reads it from all rows, also from those that were written before.
CREATE VIEW dbo.clicks_of_campaigns AS
SELECT productid, enqueued_at, JSON_VALUE(_rescued_data, '$.campaign') AS campaign
FROM dbo.clicks
WHERE _rescued_data IS NOT NULL AND JSON_VALUE(_rescued_data, '$.campaign') IS NOT NULL;
GO

-- The current number of clicks per product. Its category is the one that came last; a click without a category says nothing of it.
CREATE VIEW dbo.clicks_per_product AS
SELECT productid, category, clicks
FROM (
  SELECT productid, category,
    COUNT_BIG(*) OVER (PARTITION BY productid) AS clicks,
    ROW_NUMBER() OVER (
      PARTITION BY productid
      ORDER BY CASE WHEN category IS NULL THEN 1 ELSE 0 END, enqueued_at DESC, category DESC
    ) AS place
  FROM dbo.clicks
) AS ranked
WHERE place = 1;
GO

-- The newest price of each asset.
CREATE VIEW dbo.newest_assets AS
SELECT id, symbol, asset_name, priceUsd, marketCapUsd, runtime_timestamp
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY runtime_timestamp DESC) AS age
  FROM dbo.assets
) AS history
WHERE age = 1;
GO
