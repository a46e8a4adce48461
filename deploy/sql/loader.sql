-- The user with which the app loads rows, and the rights that it needs, and no others. Run it after "npm run warehouse -- init", as somebody
-- who may grant rights. Replace <app> by the name of the app's identity; with a password it is: CREATE USER [<app>] FOR LOGIN [<app>];
-- Not run on a real dedicated SQL pool, SQL Server or Azure SQL: that these rights are enough, and none too many, was tried on the server of
-- the project's tests, which follows Microsoft's documentation.

CREATE USER [<app>] FROM EXTERNAL PROVIDER;
GO

-- Loads.
GRANT SELECT, INSERT, UPDATE ON SCHEMA::ops TO [<app>];
GRANT INSERT ON SCHEMA::clickstream TO [<app>];
GRANT INSERT ON SCHEMA::assets TO [<app>];
GO

-- Large loads into a dedicated SQL pool, which COPY brings through tables of their own. Without these, rows go in as text. SQL Server
-- does not know this right and refuses the statement, which harms nothing: go on after it.
GRANT ADMINISTER DATABASE BULK OPERATIONS TO [<app>];
GO
GRANT CREATE TABLE TO [<app>];
GRANT ALTER ON SCHEMA::ops TO [<app>];
GO

-- Columns that a stream gains. Without these, somebody else runs "npm run warehouse -- init".
GRANT ALTER ON SCHEMA::clickstream TO [<app>];
GRANT ALTER ON SCHEMA::assets TO [<app>];
GO

-- A rebuild, which needs the rights above too. The first load of a lake whose log has lost its beginning is one.
GRANT DELETE ON SCHEMA::ops TO [<app>];
GRANT SELECT, DELETE ON SCHEMA::clickstream TO [<app>];
GRANT SELECT, DELETE ON SCHEMA::assets TO [<app>];
GO

-- Before a rebuild, the app looks for what people have put on a table: rights of others, foreign keys of other tables, security policies,
-- and views that are bound to it. Without these rights, a rebuild says what it cannot see, and asks. A login sees the rights of others only
-- with VIEW DEFINITION in the database. It may grant them again only with CONTROL on the table, which is more than loads need. Without it, a
-- rebuild in a dedicated SQL pool names the rights that would be lost.
GRANT VIEW DEFINITION TO [<app>];
GO
GRANT SELECT ON sys.sql_expression_dependencies TO [<app>];
GO
