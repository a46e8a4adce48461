-- External tables and views of a serverless SQL pool over the Delta tables, in place: nothing is loaded or copied.
--
--   sqlcmd -S <workspace>-ondemand.sql.azuresynapse.net -G -i deploy/sql/serverless.sql \
--     -v account=<storage account> container=lake password=<a strong password>
--
-- The password must have no quote. Synapse Studio knows no variables: there, put the values in the places of $(account), $(container) and
-- $(password) first.
--
-- The script may be run again, for example after an update that brought a column. Tables and views have no rows of their own, so they are
-- dropped and made anew. A right on one of them is gone then: grant SELECT on the schema dbo instead.
--
-- The workspace's managed identity needs "Storage Blob Data Reader" on the account. People who query need no right there, but SELECT on
-- the schema dbo and REFERENCES on DATABASE SCOPED CREDENTIAL::workspace_identity.
-- Serverless pools read Delta tables of reader version 1, which ours are, and always their newest version.
-- Not run on a real serverless SQL pool: tests parse its tables and views, compare its columns with those of the tables, and run the queries
-- of its views in DuckDB. No parser of theirs knows the data source, the file format, the key, the credential and OPENROWSET.

IF NOT EXISTS (SELECT * FROM sys.databases WHERE name = 'lake')
  CREATE DATABASE lake COLLATE Latin1_General_100_BIN2_UTF8;
GO
USE lake;
GO
IF NOT EXISTS (SELECT * FROM sys.symmetric_keys WHERE name = '##MS_DatabaseMasterKey##')
  CREATE MASTER KEY ENCRYPTION BY PASSWORD = '$(password)';
GO
IF NOT EXISTS (SELECT * FROM sys.database_scoped_credentials WHERE name = 'workspace_identity')
  CREATE DATABASE SCOPED CREDENTIAL workspace_identity WITH IDENTITY = 'Managed Identity';
GO

-- Views first, then what they read.
DROP VIEW IF EXISTS dbo.newest_assets;
GO
DROP VIEW IF EXISTS dbo.clicks_per_session;
GO
DROP VIEW IF EXISTS dbo.clicks_per_minute;
GO
DROP VIEW IF EXISTS dbo.clicks_per_product;
GO
DROP VIEW IF EXISTS dbo.clicks_of_campaigns;
GO
DROP VIEW IF EXISTS dbo.clicks_in_place;
GO
IF EXISTS (SELECT * FROM sys.external_tables WHERE name = 'assets') DROP EXTERNAL TABLE dbo.assets;
GO
IF EXISTS (SELECT * FROM sys.external_tables WHERE name = 'clicks') DROP EXTERNAL TABLE dbo.clicks;
GO
IF EXISTS (SELECT * FROM sys.external_file_formats WHERE name = 'delta') DROP EXTERNAL FILE FORMAT delta;
GO
IF EXISTS (SELECT * FROM sys.external_data_sources WHERE name = 'lake') DROP EXTERNAL DATA SOURCE lake;
GO

CREATE EXTERNAL DATA SOURCE lake
WITH (LOCATION = 'https://$(account).dfs.core.windows.net/$(container)', CREDENTIAL = workspace_identity);
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

-- The current number of clicks per product. Its category is the one that came last; clicks without a category do not change it.
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

-- The clicks of each minute in which they were enqueued.
CREATE VIEW dbo.clicks_per_minute AS
SELECT DATEADD(minute, DATEDIFF(minute, '2020-01-01', enqueued_at), '2020-01-01') AS enqueued_minute, COUNT_BIG(*) AS clicks
FROM dbo.clicks
GROUP BY DATEADD(minute, DATEDIFF(minute, '2020-01-01', enqueued_at), '2020-01-01');
GO

-- The clicks of each session in the order of their times.
CREATE VIEW dbo.clicks_per_session AS
SELECT sessionid,
  MIN([timestamp]) AS first_click,
  MAX([timestamp]) AS last_click,
  DATEDIFF_BIG(millisecond, MIN([timestamp]), MAX([timestamp])) / 1000.0 AS seconds,
  COUNT_BIG(*) AS clicks,
  MAX(CASE WHEN from_first = 1 THEN productid END) AS first_product,
  MAX(CASE WHEN from_last = 1 THEN productid END) AS last_product
FROM (
  SELECT sessionid, [timestamp], productid,
    ROW_NUMBER() OVER (
      PARTITION BY sessionid
      ORDER BY CASE WHEN [timestamp] IS NULL THEN 1 ELSE 0 END, [timestamp], hub_partition, sequence_number, element
    ) AS from_first,
    ROW_NUMBER() OVER (
      PARTITION BY sessionid
      ORDER BY CASE WHEN [timestamp] IS NULL THEN 1 ELSE 0 END, [timestamp] DESC, hub_partition DESC, sequence_number DESC, element DESC
    ) AS from_last
  FROM dbo.clicks
  WHERE sessionid IS NOT NULL
) AS ordered
GROUP BY sessionid;
GO

-- The newest price of each asset.
CREATE VIEW dbo.newest_assets AS
SELECT id, symbol, asset_name, [priceUsd], [marketCapUsd], runtime_timestamp
FROM (
  SELECT id, symbol, asset_name, [priceUsd], [marketCapUsd], runtime_timestamp,
    ROW_NUMBER() OVER (
      PARTITION BY id
      ORDER BY runtime_timestamp DESC, CASE WHEN [priceUsd] IS NULL THEN 1 ELSE 0 END, [priceUsd] DESC
    ) AS age
  FROM dbo.assets
) AS history
WHERE age = 1;
GO
