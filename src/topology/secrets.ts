/** Secrets of a world, made once by a cryptographic generator; see agent/secrets.ts for where they are kept. */
export type Secrets = {
  /** PostgreSQL superuser, used by Patroni, and by an agent whose replica needs its replication slot made anew. */
  superuser: string
  replication: string
  rewind: string
  /** The app's own role. */
  app: string
  /** Role of the agents: heartbeat and monitoring. */
  monitor: string
  redis: string
  /** Patroni's REST API, unsafe endpoints. */
  patroni: string
  /** Bearer token of the agents' API. */
  api: string
  /** etcd's root user. */
  etcd: string
}
export const secretNames = [
  'superuser',
  'replication',
  'rewind',
  'app',
  'monitor',
  'redis',
  'patroni',
  'api',
  'etcd',
] as const satisfies (keyof Secrets)[]
