-- The user for queries that people write, with which "npm run warehouse -- query" logs in (WAREHOUSE_READER). It may only read.
-- Run it after "npm run warehouse -- init", as somebody who may grant rights. The login [reader] must be there already.
-- With an identity, replace the first statement by CREATE USER [<identity>] FROM EXTERNAL PROVIDER;
-- In Azure SQL, a user may also have a password of its own: CREATE USER [reader] WITH PASSWORD = '<password>';
-- Not run on a real dedicated SQL pool, SQL Server or Azure SQL.

CREATE USER [reader] FOR LOGIN [reader];
GO

GRANT SELECT ON SCHEMA::ops TO [reader];
GRANT SELECT ON SCHEMA::clickstream TO [reader];
GRANT SELECT ON SCHEMA::assets TO [reader];
GO
