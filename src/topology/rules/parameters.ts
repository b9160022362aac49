import type { Finding } from '../problems.ts'
import type { Rule } from './rule.ts'

const safety = 'it must stay on, or a crash can lose acknowledged writes or corrupt data'
const durability = 'it determines what an acknowledged write guarantees, and database.durability sets it'
export const replicationReason = 'Patroni and Nearside set it for replication and promotion'
const timeouts = 'Nearside sets it to detect an unreachable region within seconds'
const layout = 'Nearside determines where PostgreSQL listens and keeps its files'

/** PostgreSQL parameters that an operator cannot set, and why. */
export const reservedParameters: Record<string, string> = {
  synchronous_commit: durability,
  synchronous_standby_names: durability,
  fsync: safety,
  full_page_writes: safety,
  wal_level: replicationReason,
  wal_log_hints: replicationReason,
  hot_standby: replicationReason,
  hot_standby_feedback: replicationReason,
  max_wal_senders: replicationReason,
  max_replication_slots: replicationReason,
  wal_keep_size: replicationReason,
  max_slot_wal_keep_size: 'it limits the disk space that an absent region can use up on the primary',
  wal_sender_timeout: timeouts,
  wal_receiver_timeout: timeouts,
  wal_receiver_status_interval: timeouts,
  wal_retrieve_retry_interval: timeouts,
  tcp_keepalives_idle: timeouts,
  tcp_keepalives_interval: timeouts,
  tcp_keepalives_count: timeouts,
  log_line_prefix: 'Nearside reads the log',
  lc_messages: 'Nearside reads the log',
  primary_conninfo: replicationReason,
  primary_slot_name: replicationReason,
  promote_trigger_file: replicationReason,
  restore_command: replicationReason,
  archive_cleanup_command: replicationReason,
  cluster_name: replicationReason,
  recovery_min_apply_delay: 'replicas would serve old data, and reads after writes would wait for it',
  listen_addresses: layout,
  port: 'ports.postgres sets it',
  unix_socket_directories: layout,
  unix_socket_permissions: layout,
  unix_socket_group: layout,
  data_directory: layout,
  config_file: layout,
  hba_file: layout,
  ident_file: layout,
  external_pid_file: layout,
  max_connections: 'database.maxConnections sets it',
  password_encryption: 'roles are created with SCRAM',
  default_transaction_read_only: 'the app could not write',
  transaction_read_only: 'the app could not write',
  ignore_checksum_failure: 'corrupt data would be served and replicated',
  zero_damaged_pages: 'corrupt data would be deleted',
  allow_system_table_mods: 'replicas might no longer be identical to the primary',
  session_replication_role: 'triggers and foreign keys would be off',
  statement_timeout:
    'a write that is cancelled while it waits for the second region is reported as committed, so set it in the app, for reads',
}

const aliases = ['recovery_target']

export const parameterRules: Rule[] = [
  {
    reads: ['database.parameters', 'database.durability'],
    find: ({ database }) => {
      const findings: Finding[] = []
      for (const [name, value] of Object.entries(database.parameters)) {
        const at = ['database', 'parameters', name]
        const why = Object.hasOwn(reservedParameters, name)
          ? reservedParameters[name]
          : aliases.some((start) => name.startsWith(start))
            ? replicationReason
            : undefined
        // With "local", no write waits for a second region; 0 means off.
        const harmless =
          name === 'statement_timeout' && (database.durability === 'local' || String(value).trim() === '0')
        if (why !== undefined && !harmless)
          findings.push({
            at,
            message: `${name} is reserved (${why})`,
            remedy: `remove ${name}`,
          })
        // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern searches for them
        if (typeof value === 'string' && /[\u0000-\u001f\u007f]/.test(value))
          findings.push({ at, message: 'expected a value on one line without control characters' })
        if (typeof value === 'number' && !Number.isFinite(value))
          findings.push({ at, message: `expected a finite number, got ${value}` })
      }
      return findings
    },
  },
]
