import { stringify } from 'yaml'
import type { EnginePart } from '../../plan.ts'
import { databaseClients, type RegionContext } from '../context.ts'
import { etcdEndpoints } from '../etcd/render.ts'
import { bootstrapSql } from './bootstrap.ts'

const binaries = '/usr/lib/postgresql/17/bin'

/** Patroni's name for the cluster. Its keys in etcd are below /service/<scope>/. */
const patroniScope = (world: string) => world
export const patroniPrefix = (world: string) => `/service/${patroniScope(world)}/`

/**
 * PostgreSQL under Patroni. Only Patroni is supervised: it starts, stops, promotes and rewinds PostgreSQL. If Patroni
 * is killed, PostgreSQL keeps serving, and the next Patroni takes it over.
 */
export function renderPostgres(context: RegionContext): EnginePart {
  const { region, topology, folder } = context
  if (!region.full) return { folders: [], files: [], processes: [] }
  return {
    folders: ['data/postgres'],
    files: [
      // initdb creates the data folder itself (0700), so it is one level further down.
      { path: 'etc/patroni.yml', mode: 0o600, content: stringify(patroniConfig(context), { lineWidth: 0 }) },
      { path: 'etc/bootstrap.sql', mode: 0o600, content: bootstrapSql(topology, context.secrets) },
    ],
    processes: [
      {
        name: 'postgres',
        engine: 'postgres',
        command: ['/usr/bin/patroni', `${folder}/etc/patroni.yml`],
        env: { LANG: 'C.UTF-8', TZ: 'UTC' },
        run: 'engine',
        after: region.votes ? ['etcd'] : [],
        // 200 as soon as PostgreSQL accepts connections, in either role.
        ready: {
          kind: 'http',
          port: topology.ports.patroni,
          path: '/health',
          expect: { from: 200, to: 200 },
        },
        // No limit: Patroni waits for etcd and for a primary, and the first base backup of a large database takes long.
        readyTimeoutMs: 0,
        stop: { signal: 'SIGTERM', timeoutMs: 60_000 },
      },
    ],
  }
}

function patroniConfig(context: RegionContext) {
  const { region, topology, secrets, folder } = context
  const { ports } = topology
  return {
    scope: patroniScope(topology.name),
    namespace: '/service/',
    name: region.name,
    restapi: {
      listen: `${region.address}:${ports.patroni}`,
      connect_address: `${region.address}:${ports.patroni}`,
      // Required for every endpoint that changes something (switchover, restart, config, …). GET needs no password.
      authentication: { username: 'nearside', password: secrets.patroni },
    },
    etcd3: {
      hosts: etcdEndpoints(context).map((url) => url.slice('http://'.length)),
      username: 'root',
      password: secrets.etcd,
    },
    log: { level: 'INFO', format: '%(asctime)s %(levelname)s: %(message)s' },
    bootstrap: {
      dcs: dynamicConfig(context),
      initdb: [
        'data-checksums',
        { encoding: 'UTF8' },
        { 'locale-provider': 'builtin' },
        { locale: 'C.UTF-8' },
      ],
      post_bootstrap: `${binaries}/psql -X -q -v ON_ERROR_STOP=1 -f "${folder}/etc/bootstrap.sql"`,
    },
    postgresql: {
      listen: `${region.address}:${ports.postgres}`,
      connect_address: `${region.address}:${ports.postgres}`,
      data_dir: `${folder}/data/postgres/main`,
      bin_dir: binaries,
      pgpass: '/tmp/pgpass',
      authentication: {
        superuser: { username: 'postgres', password: secrets.superuser },
        replication: { username: 'replicator', password: secrets.replication },
        rewind: { username: 'rewind', password: secrets.rewind },
      },
      pg_hba: hostAccess(context),
      parameters: {
        // TCP only: a Unix socket would be in the private /tmp of one sandbox, out of reach for the next Patroni.
        unix_socket_directories: '',
        password_encryption: 'scram-sha-256',
        log_line_prefix: '%m [%p] %q%u@%d ',
      },
      basebackup: [{ checkpoint: 'fast' }],
      // A former primary may have writes that were never acknowledged in two regions. If it cannot be rewound, it is
      // copied again, so a region recovers without help. Patroni does not notice a replica that needs WAL which no
      // member has any more; in that case the region's agent requests the copy.
      remove_data_directory_on_rewind_failure: true,
      remove_data_directory_on_diverged_timelines: true,
    },
  }
}

/**
 * Cluster-wide settings, which Patroni keeps in etcd. ttl, loop_wait and retry_timeout are as low as Patroni's
 * documentation allows (loop_wait + 2 × retry_timeout <= ttl). Failover is faster than that because agents revoke the
 * leader's lease.
 */
export function dynamicConfig({ topology }: Pick<RegionContext, 'topology'>) {
  const { database } = topology
  const senders = 4 + 2 * Object.keys(topology.regions).length
  return {
    ttl: 20,
    loop_wait: 5,
    retry_timeout: 5,
    // Effectively off. The limit also applies to synchronous standbys and counts unacknowledged WAL, so a small value
    // would block failovers that lose nothing.
    maximum_lag_on_failover: 1_099_511_627_776,
    synchronous_mode: database.durability !== 'local',
    synchronous_mode_strict: database.durability === 'strict',
    // Without etcd, the primary continues as long as it reaches every other member.
    failsafe_mode: true,
    primary_start_timeout: 20,
    member_slots_ttl: '1h',
    postgresql: {
      use_pg_rewind: true,
      use_slots: true,
      parameters: {
        ...database.parameters,
        max_connections: database.maxConnections,
        wal_level: 'replica',
        wal_log_hints: 'on',
        hot_standby: 'on',
        hot_standby_feedback: 'on',
        synchronous_commit: 'on',
        // Per region one standby and one base backup, plus a few for operators.
        max_wal_senders: senders,
        max_replication_slots: senders,
        // The slot of an absent region retains its WAL for `member_slots_ttl`, but must not fill the primary's disk. A
        // replica that needs more is copied again (src/agent/database/replica-reinit.ts).
        wal_keep_size: '1GB',
        max_slot_wal_keep_size: '4GB',
        // How soon each side notices that the other is gone. With the default of one minute, a standby that vanished
        // would block commits for that long.
        wal_sender_timeout: '3s',
        wal_receiver_timeout: '5s',
        wal_receiver_status_interval: '1s',
        wal_retrieve_retry_interval: '1s',
        tcp_keepalives_idle: 10,
        tcp_keepalives_interval: 2,
        tcp_keepalives_count: 3,
      },
    },
  }
}

/** pg_hba: only the world's own regions may connect, with a password. */
function hostAccess({ topology, regions }: RegionContext): string[] {
  const { name } = topology.database
  return databaseClients(regions).flatMap((source) => [
    `host replication replicator ${source} scram-sha-256`,
    `host postgres postgres,rewind,monitor ${source} scram-sha-256`,
    `host ${name} ${name},postgres ${source} scram-sha-256`,
    `host template1 postgres ${source} scram-sha-256`,
  ])
}
