import { stringify } from 'yaml'
import type { EnginePart } from '../../plan.ts'
import type { RegionContext } from '../context.ts'
import { etcdEndpoints } from '../etcd/render.ts'
import { bootstrapSql } from './bootstrap.ts'

const binaries = '/usr/lib/postgresql/17/bin'

/** Patroni's name for the cluster; its keys stand in etcd under /service/<scope>/. */
const patroniScope = (world: string) => world
export const patroniPrefix = (world: string) => `/service/${patroniScope(world)}/`

/**
 * PostgreSQL under Patroni, one process to supervise: Patroni starts, stops, promotes and rewinds PostgreSQL.
 * Should Patroni be killed, PostgreSQL goes on serving and the next Patroni takes it over.
 */
export function renderPostgres(context: RegionContext): EnginePart {
  const { region, topology, folder } = context
  if (!region.full) return { folders: [], files: [], processes: [] }
  return {
    folders: ['data/postgres'],
    files: [
      // Patroni wants the data folder to itself (0700, made by initdb), so it lies one level down.
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
        // 200 as soon as PostgreSQL accepts connections, in whichever role.
        ready: { kind: 'http', port: topology.ports.patroni, path: '/health', expect: [200] },
        // Patroni waits for etcd and for a primary, and a first base backup of a large database takes its time.
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
      // Asked for at every endpoint that changes something (switchover, restart, config, …); GET stays open.
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
        // TCP only: every engine has an address, and a Unix socket would be lost to the next Patroni's private /tmp.
        unix_socket_directories: '',
        password_encryption: 'scram-sha-256',
        log_line_prefix: '%m [%p] %q%u@%d ',
      },
      basebackup: [{ checkpoint: 'fast' }],
      // A primary that was lost while others went on has writes that were never acknowledged in two regions.
      // What cannot be rewound is copied anew, so that a region comes back unaided. A replica that lacks WAL which
      // nobody has any more is not noticed by Patroni; its agent asks for the copy.
      remove_data_directory_on_rewind_failure: true,
      remove_data_directory_on_diverged_timelines: true,
    },
  }
}

/**
 * Cluster-wide settings, kept by Patroni in etcd. ttl, loop_wait and retry_timeout are as low as Patroni's makers
 * advise (loop_wait + 2 × retry_timeout <= ttl); what makes failover fast is the revocation of the leader's lease.
 */
export function dynamicConfig({ topology }: Pick<RegionContext, 'topology'>) {
  const { database } = topology
  const senders = 4 + 2 * Object.keys(topology.regions).length
  return {
    ttl: 20,
    loop_wait: 5,
    retry_timeout: 5,
    // Also gates synchronous standbys, against a position that counts unacknowledged WAL: small values would
    // block a failover that loses nothing.
    maximum_lag_on_failover: 1_099_511_627_776,
    synchronous_mode: database.durability !== 'local',
    synchronous_mode_strict: database.durability === 'strict',
    // Without etcd the primary goes on as long as it reaches every other member.
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
        // One standby a region, a base backup beside each, and some for people.
        max_wal_senders: senders,
        max_replication_slots: senders,
        // A region that is away keeps the WAL that it lacks through its slot, for `member_slots_ttl`, but must not fill
        // the primary's disk. One that lacks more is copied anew (src/agent/database/replica-reinit.ts).
        wal_keep_size: '1GB',
        max_slot_wal_keep_size: '4GB',
        // How soon each side notices that the other has fallen silent: a standby that vanished must not hold
        // commits for the default minute.
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

/** Who may connect from where: the world's own regions, with a password, and nobody else. */
function hostAccess({ topology, regions }: RegionContext): string[] {
  const addresses = regions.filter((region) => region.full).map((region) => region.address)
  // Loopback connections come from 127.0.0.1 whatever address they go to.
  const sources = addresses.some((address) => address.startsWith('127.'))
    ? ['127.0.0.0/8']
    : addresses.map((address) => `${address}/32`)
  const { name } = topology.database
  return sources.flatMap((source) => [
    `host replication replicator ${source} scram-sha-256`,
    `host postgres postgres,rewind,monitor ${source} scram-sha-256`,
    `host ${name} ${name},postgres ${source} scram-sha-256`,
    `host template1 postgres ${source} scram-sha-256`,
  ])
}
