-- The three roles of decision 0015 and the database, as sync/embedded.py makes them on one machine. For psql 15 or newer,
-- as the server's administrator:
--
--     MILESTONE_OWNER_PASSWORD=... MILESTONE_APP_PASSWORD=... MILESTONE_DISPATCHER_PASSWORD=... \
--         psql -v ON_ERROR_STOP=1 -f deploy/postgres/roles.sql
--
-- Running it again changes nothing but the passwords. A password that is not set stops it.
\set ON_ERROR_STOP on
\getenv owner_password MILESTONE_OWNER_PASSWORD
\getenv app_password MILESTONE_APP_PASSWORD
\getenv dispatcher_password MILESTONE_DISPATCHER_PASSWORD

-- Owns the tables; used by migrations alone.
SELECT 'CREATE ROLE milestone_owner' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'milestone_owner') \gexec
ALTER ROLE milestone_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';

-- Sees one company at a time: web, worker, commands.
SELECT 'CREATE ROLE milestone_app' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'milestone_app') \gexec
ALTER ROLE milestone_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'app_password';

-- Sees ids, times and states of all companies, and nothing else: dispatcher.
SELECT 'CREATE ROLE milestone_dispatcher' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'milestone_dispatcher') \gexec
ALTER ROLE milestone_dispatcher LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'dispatcher_password';

SELECT 'CREATE DATABASE milestone_sync OWNER milestone_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'milestone_sync') \gexec
