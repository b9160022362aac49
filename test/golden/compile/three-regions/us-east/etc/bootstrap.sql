-- A failing statement must not write a password to the log.
SET log_min_error_statement = panic;
SET log_statement = none;
CREATE ROLE "app" LOGIN PASSWORD 'sample-app';
CREATE DATABASE "app" OWNER "app";
REVOKE CONNECT, TEMPORARY ON DATABASE "app" FROM PUBLIC;
CREATE ROLE monitor LOGIN PASSWORD 'sample-monitor';
GRANT pg_monitor TO monitor;
CREATE SCHEMA nearside AUTHORIZATION monitor;
CREATE TABLE nearside.heartbeat (
  id int PRIMARY KEY CHECK (id = 1),
  region text NOT NULL,
  at timestamptz NOT NULL
);
INSERT INTO nearside.heartbeat VALUES (1, '', now());
ALTER TABLE nearside.heartbeat OWNER TO monitor;
