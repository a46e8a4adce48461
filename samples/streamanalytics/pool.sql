-- The table of the job in a dedicated SQL pool, and the job's right to write to it. Run it after job.bicep was deployed, because the user
-- [clicks] is the identity of the job, and before the job is started. Not run on a real pool.
CREATE SCHEMA asa;
GO
CREATE TABLE asa.clicks_per_minute (
  minute_end datetime2(6) NOT NULL,
  productid bigint NOT NULL,
  clicks bigint NOT NULL
) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP);
GO
CREATE USER [clicks] FROM EXTERNAL PROVIDER;
GRANT SELECT, INSERT ON SCHEMA::asa TO [clicks];
GRANT ADMINISTER DATABASE BULK OPERATIONS TO [clicks];
GO
