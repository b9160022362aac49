import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { compileRegion, contextOf } from '../compile.ts'
import type { RegionContext } from '../engines/context.ts'
import { haproxyIn } from '../engines/haproxy/control.ts'
import { locateEngineRoot } from '../engines/root/locate.ts'
import { systemClock } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import { writeAside } from '../lib/files.ts'
import type { Logger } from '../lib/log.ts'
import { Loop } from '../lib/loop.ts'
import { thisMachine } from '../lib/machine.ts'
import { runToEnd } from '../lib/run-to-end.ts'
import type { RegionPlan } from '../plan.ts'
import { DamageWatch } from './coordination/damage-watch.ts'
import { EtcdWatch } from './coordination/etcd-watch.ts'
import { CoordinationLoop } from './coordination/loop.ts'
import { Prober } from './coordination/prober.ts'
import type { Snapshot } from './coordination/snapshot.ts'
import { StateStore } from './coordination/store.ts'
import { DatabaseMonitor, type DatabaseState } from './database/monitor.ts'
import { ElectionWakeup, StandbyWakeup } from './database/patroni-wakeup.ts'
import { PrimaryWriteCheck } from './database/primary-write-check.ts'
import { ReplicaReinit } from './database/replica-reinit.ts'
import { Decisions } from './decisions.ts'
import { readWorld, regionFolder, type WorldRecord } from './layout.ts'
import { PrimaryDuties } from './primary-duties.ts'
import { Deployments } from './release/deployments.ts'
import { PurgeAfterStart } from './release/purge-after-start.ts'
import { secretsOf } from './secrets.ts'
import { startConditionsOf } from './start-conditions.ts'
import { type Launcher, launcher } from './supervision/launch.ts'
import { Supervisor } from './supervision/supervisor.ts'
import { CacheMonitor } from './traffic/cache-monitor.ts'
import { DnsSteering } from './traffic/dns-steering.ts'
import { OldSessions } from './traffic/old-sessions.ts'
import { type Purges, purgesOf } from './traffic/purges.ts'
import type { AgentBase } from './types.ts'

type AgentOptions = { worldFolder: string; region: string; log: Logger; version: string }

/** Enough for two round trips across an ocean, plus a margin. */
const probeTimeoutMs = 1000

/**
 * The daemon of one region: it supervises the region's processes, probes the other regions, publishes its observations,
 * decides and acts. Everything that serves users also works without it. This class composes its parts.
 */
export class Agent implements AgentBase {
  readonly log: Logger
  readonly version: string
  readonly record: WorldRecord
  readonly context: RegionContext
  readonly plan: RegionPlan
  readonly launcher: Launcher
  readonly store: StateStore
  readonly supervisor: Supervisor
  readonly prober: Prober
  readonly coordination: CoordinationLoop
  readonly etcdWatch: EtcdWatch
  readonly damageWatch: DamageWatch
  readonly decisions: Decisions
  readonly deployments: Deployments
  readonly database: DatabaseMonitor | undefined
  readonly writeCheck: PrimaryWriteCheck | undefined
  readonly replicaReinit: ReplicaReinit | undefined
  readonly steering: DnsSteering | undefined
  /** Absent in a region without caches. */
  readonly purges: Purges | undefined
  readonly cache: CacheMonitor | undefined
  /** By the monotonic clock. */
  readonly startedAtMs = performance.now()
  readonly #primaryDuties: PrimaryDuties
  readonly #purgeAfterStart: PurgeAfterStart
  readonly #oldSessions: OldSessions | undefined
  readonly #electionWakeup: ElectionWakeup
  readonly #standbyWakeup: StandbyWakeup
  #stopping = false
  readonly #databaseLoop: Loop

  static async create(options: AgentOptions): Promise<Agent> {
    const record = await readWorld(options.worldFolder)
    const secrets = await secretsOf(options.worldFolder)
    const inputs = {
      secrets,
      folder: options.worldFolder,
      appFolder: record.appFolder,
      machine: thisMachine(),
    }
    const context = contextOf(record.topology, options.region, inputs)
    return new Agent(options, record, context, compileRegion(record.topology, options.region, inputs))
  }

  private constructor(options: AgentOptions, record: WorldRecord, context: RegionContext, plan: RegionPlan) {
    const { region, others, topology, secrets } = context
    this.log = options.log
    this.version = options.version
    this.record = record
    this.context = context
    this.plan = plan
    const folder = regionFolder(options.worldFolder, options.region)
    this.launcher = launcher({ root: locateEngineRoot().path, folder, files: plan.files })
    this.store = new StateStore(context, () => performance.now())
    this.prober = new Prober(topology, region, others, systemClock, () => this.coordination.trigger())
    this.coordination = new CoordinationLoop({
      context,
      store: this.store,
      version: options.version,
      seen: () => this.prober.view(),
      database: () => this.databaseState,
      purges: () => this.purges?.state,
      tables: () => this.steering?.report,
      follow: (snapshot, before) => this.#follow(snapshot, before),
    })
    if (region.full) {
      this.database = new DatabaseMonitor(context)
      this.replicaReinit = new ReplicaReinit(this, this.database, this.coordination)
      this.writeCheck = new PrimaryWriteCheck({
        host: region.address,
        port: topology.ports.postgres,
        password: secrets.monitor,
        leads: () => this.coordination.snapshot?.leader?.region === region.name,
      })
    }
    if (region.full) this.#oldSessions = new OldSessions(this.log, haproxyIn(folder, 2000))
    this.#databaseLoop = new Loop({
      round: () => this.#pollDatabase(),
      restMs: 1000,
      onError: (error) => this.log.warn({ error: messageOf(error) }, 'could not poll the database'),
    })
    if (region.serves) {
      this.steering = new DnsSteering(this, { onTables: () => this.coordination.trigger() })
      this.purges = purgesOf(this, () => this.coordination.trigger())
    }
    this.#purgeAfterStart = new PurgeAfterStart(this)
    this.deployments = new Deployments(this)
    this.supervisor = new Supervisor({
      plan,
      launcher: this.launcher,
      startConditions: startConditionsOf(this, plan, this.coordination),
      onChange: ({ name, engine, state, why }) => {
        this.log.info({ process: name, state, why }, 'process changed state')
        if (engine === 'app' && state === 'ready') this.deployments.update(this.supervisor.status())
      },
    })
    if (region.serves)
      this.cache = new CacheMonitor({
        run: (command, timeoutMs) => runToEnd(this.launcher.prepare('engine', [...command], {}), timeoutMs),
        haproxy: haproxyIn(folder, 2000),
        isRunning: () =>
          this.supervisor
            .status()
            .some(({ name, state }) => name === 'varnish' && (state === 'ready' || state === 'outdated')),
        log: this.log,
      })
    this.etcdWatch = new EtcdWatch(this)
    this.damageWatch = new DamageWatch(this)
    this.decisions = new Decisions(this, this.etcdWatch, this.writeCheck)
    this.#electionWakeup = new ElectionWakeup(this)
    this.#standbyWakeup = new StandbyWakeup(this)
    this.#primaryDuties = new PrimaryDuties(this, this.database, this.supervisor)
  }

  async start(): Promise<void> {
    await this.#writeFiles()
    this.supervisor.start()
    this.prober.start(this.context.topology.failover.probeMs, probeTimeoutMs)
    this.steering?.start()
    this.writeCheck?.start()
    this.coordination.start()
    if (this.database) this.#databaseLoop.start()
    this.etcdWatch.start()
    this.damageWatch.start()
    this.cache?.start()
  }

  /** Stops the agent's own work. Processes keep running (see `supervisor.stop`). */
  async close(): Promise<void> {
    this.#stopping = true
    await Promise.all([
      this.prober.stop(),
      this.coordination.stop(),
      this.#databaseLoop.stop(),
      this.etcdWatch.stop(),
      this.damageWatch.stop(),
      this.cache?.stop(),
      this.steering?.stop(),
    ])
    await this.writeCheck?.stop()
    await this.database?.close()
    await this.store.withdraw().catch(() => undefined)
  }

  get stopping(): boolean {
    return this.#stopping
  }

  /** State of the local database; undefined in a region without one. */
  get databaseState(): DatabaseState | undefined {
    const missingWal = this.replicaReinit?.missing
    return this.database && { ...this.database.state, ...(missingWal ? { missingWal } : {}) }
  }

  async #writeFiles(): Promise<void> {
    const folder = this.context.folder
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const name of this.plan.folders) await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
    for (const file of this.plan.files) await writeAside(join(folder, file.path), file.content, file.mode)
  }

  /** Acts on a new snapshot of the state store, in this order. */
  async #follow(snapshot: Snapshot, before: string | undefined): Promise<void> {
    this.steering?.update(snapshot)
    void this.purges?.follow(snapshot)
    if (!this.#stopping) void this.#purgeAfterStart.follow(this.supervisor.status())
    await this.decisions.follow(snapshot)
    await this.steering?.agree(snapshot)
    this.#electionWakeup.update(snapshot)
    this.#standbyWakeup.update(snapshot)
    await this.#primaryDuties.follow(snapshot, before)
    void this.#oldSessions?.follow(snapshot.leader?.region, before)
  }

  async #pollDatabase(): Promise<void> {
    await this.database?.poll(2000)
    await this.replicaReinit?.poll()
  }
}
