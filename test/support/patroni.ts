import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Snapshot } from '../../src/agent/coordination/snapshot.ts'
import { StateStore } from '../../src/agent/coordination/store.ts'
import { DatabaseMonitor } from '../../src/agent/database/monitor.ts'
import { StandbyWakeup } from '../../src/agent/database/patroni-wakeup.ts'
import type { RegionContext } from '../../src/engines/context.ts'
import { renderPostgres } from '../../src/engines/postgres/render.ts'
import type { Logger } from '../../src/lib/log.ts'
import { identify, type ProcessId, signal, withDescendants } from '../../src/lib/proc.ts'
import { runSandboxed, type Sandboxed } from './engine-program.ts'
import { startEtcd, testPassword } from './etcd.ts'
import { temporaryFolder, until } from './sandboxed.ts'
import { contextFor, sampleSecrets, topologyOf, twoRegions } from './topologies.ts'

export type Name = 'us-east' | 'us-west'

/**
 * The databases of two regions as rendered by Nearside, with Patroni and etcd, but without agent and edge. us-east is
 * the first primary. Shows what the databases do when an agent does its part.
 */
export type TestDatabases = {
  context(region: Name): RegionContext
  store(region: Name): StateStore
  /** A fresh view of an agent in that region: the state store and its own database. */
  look(region: Name): Promise<{ snapshot: Snapshot; database: DatabaseMonitor }>
  /** Runs one statement as superuser. An acknowledged write is on disk in both regions. */
  query(region: Name, text: string): Promise<Record<string, unknown>[]>
  /** Kills PostgreSQL, but not its Patroni. */
  postgres(region: Name): ProcessId[]
  /** Kills Patroni and PostgreSQL, like a power failure. */
  kill(region: Name): Promise<void>
  start(region: Name): Promise<void>
  /** Waits until the other region replicates and Patroni would promote it. The primary's agent does its part. */
  inSync(primary: Name): Promise<void>
  stop(): Promise<void>
}

export async function startDatabases(): Promise<TestDatabases> {
  const etcd = await startEtcd(3)
  await etcd.client().enableAuth()
  const folder = temporaryFolder('patroni')
  const topology = topologyOf(twoRegions, { network: { base: etcd.base } })
  const context = (region: Name): RegionContext => ({
    ...contextFor(topology, region, join(folder, region)),
    secrets: { ...sampleSecrets, etcd: testPassword },
  })
  const running = new Map<Name, Sandboxed>()
  const watches: DatabaseMonitor[] = []
  const shareds = new Map<Name, StateStore>()

  const store = (region: Name) => {
    const known = shareds.get(region) ?? new StateStore(context(region), () => performance.now())
    shareds.set(region, known)
    return known
  }
  const database = (region: Name) => {
    const watch = new DatabaseMonitor(context(region))
    watches.push(watch)
    return watch
  }
  const databases = { 'us-east': database('us-east'), 'us-west': database('us-west') }

  async function look(region: Name) {
    // Agents sample up to twice a second. Waiting here should not compete for the machine's CPU.
    await delay(100)
    for (const [name, watch] of Object.entries(databases) as [Name, DatabaseMonitor][]) {
      await watch.poll(1000)
      await store(name).publish({
        region: name,
        at: Date.now(),
        version: 'test',
        seen: {},
        database: watch.state,
      } as Parameters<StateStore['publish']>[0])
    }
    return { snapshot: await store(region).read(), database: databases[region] }
  }

  async function start(region: Name) {
    const its = context(region)
    const { folders, files } = renderPostgres(its)
    for (const name of [...folders, 'log'])
      mkdirSync(join(its.folder, name), { recursive: true, mode: 0o777 })
    for (const file of files) {
      mkdirSync(dirname(join(its.folder, file.path)), { recursive: true })
      writeFileSync(join(its.folder, file.path), file.content, { mode: file.mode })
    }
    running.set(
      region,
      await runSandboxed(its.folder, ['/usr/bin/patroni', join(its.folder, 'etc/patroni.yml')], {
        logFile: join(its.folder, 'log', 'postgres.log'),
      }),
    )
  }

  const postgres = (region: Name): ProcessId[] => {
    const file = join(context(region).folder, 'data/postgres/main/postmaster.pid')
    if (!existsSync(file)) return []
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
    return withDescendants([pid]).flatMap((one) => identify(one) ?? [])
  }

  async function query(region: Name, text: string) {
    const { region: place, secrets } = context(region)
    const client = new pg.Client({
      host: place.address,
      port: topology.ports.postgres,
      user: 'postgres',
      password: secrets.superuser,
      database: 'postgres',
      connectionTimeoutMillis: 2000,
      query_timeout: 5000,
    })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(text)).rows
    } finally {
      // A hung server does not close the session.
      void client.end().catch(() => undefined)
    }
  }

  const inSync = (primary: Name) => {
    const log = { warn: () => undefined } as unknown as Logger
    const waker = new StandbyWakeup({ context: context(primary), log, stopping: false })
    return until(
      `the other region to be in sync with ${primary}`,
      async () => {
        const { snapshot } = await look(primary)
        waker.update(snapshot)
        return (
          snapshot.leader?.region === primary &&
          snapshot.sync.leader === primary &&
          snapshot.sync.standbys.length === 1 &&
          snapshot.reports[primary]?.database?.standbys?.some(({ synchronous }) => synchronous)
        )
      },
      60_000,
    ).then(() => undefined)
  }

  async function kill(region: Name) {
    const all = postgres(region)
    await running.get(region)?.kill()
    for (const one of all) signal(one, 'SIGKILL')
  }
  // PostgreSQL outlives its Patroni and would therefore outlive an interrupted test.
  const killAll = () => {
    for (const region of ['us-east', 'us-west'] as const)
      for (const one of postgres(region)) signal(one, 'SIGKILL')
  }
  process.once('exit', killAll)

  const stop = async () => {
    for (const watch of watches) void watch.close()
    for (const region of ['us-east', 'us-west'] as const) await kill(region)
    await etcd.stop()
    process.off('exit', killAll)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await start('us-east')
    await until('the first primary', () => query('us-east', 'SELECT pg_current_wal_lsn()'), 60_000)
    await start('us-west')
    await inSync('us-east')
  } catch (error) {
    const logs = [...running].map(([name, { output }]) => `--- ${name}\n${output().slice(-4000)}`)
    await stop()
    throw new Error(logs.join('\n'), { cause: error })
  }
  return { context, store, look, query, postgres, kill, start, inSync, stop }
}
