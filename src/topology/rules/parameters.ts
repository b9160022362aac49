import type { Finding } from '../problems.ts'
import type { Rule } from './rule.ts'

const safety = 'it must stay on: with it off a crash can lose acknowledged writes or damage the data'
const durability = 'it decides what an acknowledged write is worth; database.durability sets it'
const replication = 'Patroni and Nearside set it so that replicas can follow and be promoted'
const silence = 'Nearside sets it so that a region that fell silent is noticed in seconds'
const place = 'Nearside decides where PostgreSQL listens and keeps its files'

/** PostgreSQL parameters that Nearside keeps to itself, and why. */
export const reservedParameters: Record<string, string> = {
  synchronous_commit: durability,
  synchronous_standby_names: durability,
  fsync: safety,
  full_page_writes: safety,
  wal_level: replication,
  wal_log_hints: replication,
  hot_standby: replication,
  hot_standby_feedback: replication,
  max_wal_senders: replication,
  max_replication_slots: replication,
  wal_keep_size: replication,
  max_slot_wal_keep_size: 'it bounds what a region that is away may take of the primary’s disk',
  wal_sender_timeout: silence,
  wal_receiver_timeout: silence,
  wal_receiver_status_interval: silence,
  wal_retrieve_retry_interval: silence,
  tcp_keepalives_idle: silence,
  tcp_keepalives_interval: silence,
  tcp_keepalives_count: silence,
  log_line_prefix: 'Nearside reads the log',
  lc_messages: 'Nearside reads the log',
  primary_conninfo: replication,
  primary_slot_name: replication,
  promote_trigger_file: replication,
  restore_command: replication,
  archive_cleanup_command: replication,
  cluster_name: replication,
  recovery_min_apply_delay: 'replicas would show old data and reads after writes would wait for it',
  listen_addresses: place,
  port: 'ports.postgres sets it',
  unix_socket_directories: place,
  unix_socket_permissions: place,
  unix_socket_group: place,
  data_directory: place,
  config_file: place,
  hba_file: place,
  ident_file: place,
  external_pid_file: place,
  max_connections: 'database.maxConnections sets it',
  password_encryption: 'roles are made with SCRAM',
  default_transaction_read_only: 'the app could not write',
  transaction_read_only: 'the app could not write',
  ignore_checksum_failure: 'damaged data would be served and replicated',
  zero_damaged_pages: 'damaged data would be deleted',
  allow_system_table_mods: 'replicas could no longer be trusted to be the same',
  session_replication_role: 'triggers and foreign keys would be off',
  statement_timeout:
    'a write cancelled while it waits for the second region is reported as committed; set it in the app, for its reads',
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
            ? replication
            : undefined
        // Alone with itself a region has no second one to wait for, and 0 means off.
        const harmless =
          name === 'statement_timeout' && (database.durability === 'local' || String(value).trim() === '0')
        if (why !== undefined && !harmless)
          findings.push({
            at,
            message: `expected a parameter that is free to choose: ${why}`,
            remedy: `remove ${name}`,
          })
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
        if (typeof value === 'string' && /[\u0000-\u001f\u007f]/.test(value))
          findings.push({ at, message: 'expected a value on one line without control characters' })
        if (typeof value === 'number' && !Number.isFinite(value))
          findings.push({ at, message: `expected a finite number, got ${value}` })
      }
      return findings
    },
  },
]
