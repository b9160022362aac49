/** A world's secrets, generated once by a cryptographic generator; see agent/secrets.ts for where they are stored. */
export type Secrets = {
  /** PostgreSQL superuser: used by Patroni, and by an agent that re-creates its replica's replication slot. */
  superuser: string
  replication: string
  rewind: string
  /** The app's own role. */
  app: string
  /** The agents' role, for write checks and monitoring. */
  monitor: string
  redis: string
  /** For the unsafe endpoints of Patroni's REST API. */
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
