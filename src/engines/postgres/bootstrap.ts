import type { Topology } from '../../topology/schema.ts'
import type { Secrets } from '../../topology/secrets.ts'

/**
 * Patroni runs this once, in the first primary, before clients may connect. The primary's agent updates the single row
 * of `heartbeat`; its age on a replica is the replica's lag, even while the database is idle.
 */
export function bootstrapSql(topology: Topology, secrets: Secrets): string {
  const app = topology.database.name
  return `-- A failing statement must not write a password to the log.
SET log_min_error_statement = panic;
SET log_statement = none;
CREATE ROLE ${name(app)} LOGIN PASSWORD ${text(secrets.app)};
CREATE DATABASE ${name(app)} OWNER ${name(app)};
REVOKE CONNECT, TEMPORARY ON DATABASE ${name(app)} FROM PUBLIC;
CREATE ROLE monitor LOGIN PASSWORD ${text(secrets.monitor)};
GRANT pg_monitor TO monitor;
CREATE SCHEMA nearside AUTHORIZATION monitor;
CREATE TABLE nearside.heartbeat (
  id int PRIMARY KEY CHECK (id = 1),
  region text NOT NULL,
  at timestamptz NOT NULL
);
INSERT INTO nearside.heartbeat VALUES (1, '', now());
ALTER TABLE nearside.heartbeat OWNER TO monitor;
`
}

const name = (identifier: string) => `"${identifier.replaceAll('"', '""')}"`
const text = (value: string) => `'${value.replaceAll("'", "''")}'`
