import { existsSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { compileRegion, contextOf } from '../compile.ts'
import type { RegionContext } from '../engines/context.ts'
import { applySettings, patroniRequest } from '../engines/postgres/control.ts'
import { locateEngineRoot } from '../engines/root/locate.ts'
import { decide } from '../failover/decide.ts'
import type { Action, OwnPrimary, Verdict, World } from '../failover/types.ts'
import { defaultPolicy } from '../failover/verdict.ts'
import { messageOf } from '../lib/errors.ts'
import type { MemberStatus } from '../lib/etcd.ts'
import { writeAside } from '../lib/files.ts'
import type { Logger } from '../lib/log.ts'
import type { RegionPlan } from '../plan.ts'
import { firstPrimary } from '../topology/regions.ts'
import { type DatabaseState, DatabaseWatch } from './database.ts'
import { handOver } from './hand-over.ts'
import { type Launcher, launcher } from './launch.ts'
import { readWorld, regionFolder, type WorldRecord } from './layout.ts'
import { lookEveryMs } from './pace.ts'
import { Prober } from './prober.ts'
import { Pulse } from './pulse.ts'
import { release } from './release.ts'
import { secretsOf } from './secrets.ts'
import { observationsOf, Shared, type Snapshot } from './shared.ts'
import { Steering } from './steer.ts'
import { StrandedWatch } from './stranded.ts'
import { type Gate, Supervisor } from './supervisor.ts'

export type AgentOptions = { worldFolder: string; region: string; log: Logger; version: string }

/** How long a probe may take: two round trips across an ocean and some patience. */
const probeTimeoutMs = 1000
/** Between two calls to a region's own Patroni while nobody leads. */
const electionWakeMs = 700
/** Between two attempts to give up a primary that hangs. */
const giveUpAgainMs = 30_000

/**
 * One region's daemon: it supervises the region's processes, probes the other regions, publishes what it sees,
 * decides and acts. Everything that serves users runs without it.
 */
export class Agent {
  readonly options: AgentOptions
  readonly record: WorldRecord
  readonly context: RegionContext
  readonly plan: RegionPlan
  readonly launcher: Launcher
  readonly supervisor: Supervisor
  readonly shared: Shared
  readonly prober: Prober
  readonly database: DatabaseWatch | undefined
  readonly pulse: Pulse | undefined
  readonly stranded: StrandedWatch | undefined
  readonly steering: Steering | undefined
  /** By the monotonic clock. */
  readonly startedAtMs = performance.now()
  /** The last look at what all agents share; undefined before the first. */
  snapshot: Snapshot | undefined
  snapshotAtMs = 0
  verdicts: Verdict[] = []
  etcdError: string | undefined = 'not asked yet'
  /** What this region's own member said of itself a few seconds ago; undefined without one, or when it is silent. */
  etcdMember: MemberStatus | undefined
  /** App releases started here since this agent started. */
  deployments = 0
  /** Called after every look, with the snapshot. */
  onSnapshot: ((snapshot: Snapshot) => void)[] = []
  #stopping = false
  #etcdLeader: string | undefined
  #loops: Promise<void>[] = []

  static async create(options: AgentOptions): Promise<Agent> {
    const record = await readWorld(options.worldFolder)
    const secrets = await secretsOf(options.worldFolder)
    const inputs = { secrets, folder: options.worldFolder, appFolder: record.appFolder }
    const context = contextOf(record.topology, options.region, inputs)
    return new Agent(options, record, context, compileRegion(record.topology, options.region, inputs))
  }

  private constructor(options: AgentOptions, record: WorldRecord, context: RegionContext, plan: RegionPlan) {
    this.options = options
    this.record = record
    this.context = context
    this.plan = plan
    const folder = regionFolder(options.worldFolder, options.region)
    this.launcher = launcher({ root: locateEngineRoot().path, folder, files: plan.files })
    this.shared = new Shared(context, () => performance.now())
    this.prober = new Prober(
      context.topology,
      context.region,
      context.others,
      () => performance.now(),
      () => this.#lookSoon(),
    )
    if (context.region.full) {
      this.database = new DatabaseWatch(context)
      this.stranded = new StrandedWatch(this)
      this.pulse = new Pulse({
        host: context.region.address,
        port: context.topology.ports.postgres,
        password: context.secrets.monitor,
        leads: () => this.snapshot?.leader?.region === context.region.name,
      })
    }
    if (context.region.serves) this.steering = new Steering(this)
    this.supervisor = new Supervisor({
      plan,
      launcher: this.launcher,
      gates: this.#gates(),
      onChange: (status) => {
        options.log.info({ process: status.name, state: status.state, why: status.why }, 'process')
        if (status.engine === 'app' && status.state === 'ready') this.#countDeployment()
      },
    })
  }

  async start(): Promise<void> {
    await this.#writeFiles()
    this.supervisor.start()
    this.prober.start(this.context.topology.failover.probeMs, probeTimeoutMs)
    if (this.steering) void this.steering.start()
    this.pulse?.start()
    this.#loops = [this.#lookLoop(), this.#databaseLoop(), this.#etcdLeaderLoop()]
  }

  /** Ends watching; processes are left as they are (see `supervisor.stop`). */
  async close(): Promise<void> {
    this.#stopping = true
    this.prober.stop()
    await Promise.all(this.#loops)
    await this.pulse?.stop()
    await this.database?.close()
    await this.shared.withdraw().catch(() => undefined)
  }

  async #writeFiles(): Promise<void> {
    const folder = this.context.folder
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const name of this.plan.folders) await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
    for (const file of this.plan.files) await writeAside(join(folder, file.path), file.content, file.mode)
  }

  /** What a process waits for beyond its own region. */
  #gates(): Record<string, Gate> {
    const { region, topology } = this.context
    const first = firstPrimary(topology)
    const gates: Record<string, Gate> = {
      postgres: {
        waitsFor: `the first primary, in ${first}`,
        opens: async () => {
          if (region.votes) await this.#enableAuth()
          // The very first primary is the one that the topology names; afterwards whoever holds the data may lead.
          if (first !== region.name) await this.until((snapshot) => snapshot.initialized)
        },
      },
    }
    for (const { name, engine } of this.plan.processes)
      if (engine === 'app')
        gates[name] = {
          waitsFor: 'app.release, in the primary’s region',
          opens: () => this.until((snapshot) => snapshot.releases[this.record.run] === 'ok'),
        }
    return gates
  }

  /** Resolves when a look at the shared state shows what is waited for, or when the agent stops. */
  until(holds: (snapshot: Snapshot) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (snapshot: Snapshot) => {
        if (!this.#stopping && !holds(snapshot)) return
        this.onSnapshot = this.onSnapshot.filter((listener) => listener !== look)
        resolve()
      }
      this.onSnapshot.push(look)
    })
  }

  async #enableAuth(): Promise<void> {
    for (;;) {
      try {
        return await this.shared.etcd.enableAuth()
      } catch (error) {
        if (this.#stopping) return
        this.options.log.warn({ error: messageOf(error) }, 'etcd authentication is not on yet')
        await pause(500)
      }
    }
  }

  async #lookLoop(): Promise<void> {
    while (!this.#stopping) {
      const started = performance.now()
      try {
        await this.#look()
        this.etcdError = undefined
      } catch (error) {
        this.etcdError = messageOf(error)
      }
      const everyMs = lookEveryMs(this.prober.view(), this.context.topology.failover)
      await this.#rest(Math.max(20, everyMs - (performance.now() - started)))
    }
    if (this.snapshot) for (const listener of [...this.onSnapshot]) listener(this.snapshot)
  }

  #endRest: () => void = () => undefined

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#endRest = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Something has changed: others should know before the next look is due. */
  #lookSoon(): void {
    this.#endRest()
  }

  /**
   * One look: publish, read, decide, act. An agent that cannot write to etcd fails here, decides nothing and leaves
   * everything as it is: a minority does not act.
   */
  async #look(): Promise<void> {
    const { options, shared } = this
    await shared.publish({
      region: options.region,
      at: Date.now(),
      version: options.version,
      seen: this.prober.view(),
      database: this.databaseState,
    })
    const snapshot = await shared.read()
    const before = this.snapshot?.leader?.region ?? this.#lastPrimary
    this.#lastPrimary = snapshot.leader?.region ?? before
    this.snapshot = snapshot
    this.snapshotAtMs = performance.now()
    for (const listener of [...this.onSnapshot]) listener(snapshot)
    this.steering?.update(snapshot)
    const { verdicts, actions } = decide(this.#world(snapshot))
    this.verdicts = verdicts
    for (const action of actions) await this.#act(action)
    this.#wakeForElection(snapshot)
    if (snapshot.leader?.region !== options.region) {
      this.#settingsSent = false
      return
    }
    if (before !== undefined && before !== options.region)
      await shared.record('primary', { to: options.region, from: before }).catch(() => undefined)
    this.#sendSettingsOnce()
    this.#releaseOnce(snapshot)
  }

  /** The region that led last, as far as this agent knows; an election has none for a moment. */
  #lastPrimary: string | undefined
  #settingsSent = false

  /**
   * Settings of the whole cluster live in etcd, where Patroni put those of the world's first start. The primary's
   * agent brings them up to what the topology says now; what needs a restart of PostgreSQL waits for the next one.
   */
  #sendSettingsOnce(): void {
    if (this.#settingsSent) return
    this.#settingsSent = true
    void applySettings(this.context).then(
      (changed) => changed && this.options.log.info('database settings'),
      (error) => {
        this.#settingsSent = false
        this.options.log.warn({ error: messageOf(error) }, 'database settings')
      },
    )
  }

  /** What is known of the local database; undefined where there is none. */
  get databaseState(): DatabaseState | undefined {
    const missingWal = this.stranded?.missing
    return this.database && { ...this.database.state, ...(missingWal ? { missingWal } : {}) }
  }

  #world(snapshot: Snapshot): World {
    const ownPrimary = this.#ownPrimary(snapshot)
    return {
      self: this.options.region,
      regions: this.context.regions,
      policy: defaultPolicy(this.context.topology.failover),
      observations: observationsOf(snapshot),
      fitness: snapshot.fitness,
      leader: snapshot.leader,
      etcdLeader: this.#etcdLeader,
      ...(ownPrimary ? { ownPrimary } : {}),
    }
  }

  #ownPrimary({ leader, leaderSinceMs, sync, reports }: Snapshot): OwnPrimary | undefined {
    const { name } = this.context.region
    if (!this.pulse || leader?.region !== name) return undefined
    const follows = (region: string) => reports[region]?.database?.role === 'replica'
    return {
      silentMs: this.pulse.silentMs,
      leadsForMs: leaderSinceMs,
      standbys: sync.leader === name ? sync.standbys.filter(follows) : [],
    }
  }

  async #act(action: Action): Promise<void> {
    const { shared } = this
    const { log } = this.options
    let done = false
    if (action.kind === 'setFitness') {
      done = await shared.setFitness(action)
      if (done && action.wakes) void this.wake(action.wakes, `${action.region} lost`)
    }
    if (action.kind === 'revokeLeader') done = await shared.revokeLeader(action.leader)
    if (action.kind === 'giveUpPrimary') return this.#giveUp(action)
    if (action.kind === 'moveEtcdLeader') done = await this.#moveEtcdLeader(action.to)
    if (!done) return
    const { kind, ...detail } = action
    const inputs = Object.fromEntries(Object.entries(observationsOf(this.snapshot!)))
    log.info({ action: kind, ...detail }, 'decision')
    await shared
      .record(kind, { ...detail, inputs })
      .catch((error) => log.warn({ error: messageOf(error) }, 'event'))
  }

  #gaveUpMs = -Infinity

  /** Beside the looks, which others wait for. What does not succeed is tried again after a while. */
  #giveUp(action: Extract<Action, { kind: 'giveUpPrimary' }>): void {
    const now = performance.now()
    if (now - this.#gaveUpMs < giveUpAgainMs) return
    this.#gaveUpMs = now
    void handOver(this, action).catch((error) =>
      this.options.log.warn({ error: messageOf(error) }, 'the primary hangs and could not be given up'),
    )
  }

  #wokenForElectionMs = -Infinity

  /**
   * A Patroni whose watch on etcd went through a member that has fallen silent reads everything anew from another one,
   * and does not look at what it has read until its pause of 5 s is over: the election waits for it. So while nobody
   * leads, each region's own Patroni is woken again and again: the first call may end in the same silence.
   */
  #wakeForElection(snapshot: Snapshot): void {
    const { region } = this.context
    if (!region.full || !snapshot.initialized || snapshot.leader || this.#stopping) return
    const now = performance.now()
    if (now - this.#wokenForElectionMs < electionWakeMs) return
    this.#wokenForElectionMs = now
    void this.wake(region.name, 'nobody leads')
  }

  /** Patroni looks up from its pause whenever its configuration changes; this one changes nothing else. */
  async wake(region: string, why: string): Promise<void> {
    const { address } = this.context.regions.find((one) => one.name === region)!
    const note = { nearside_woken: `${why} ${Date.now()}` }
    await patroniRequest(this.context, address, 'PATCH', '/config', note, 2000).catch((error) =>
      this.options.log.warn({ region, error: messageOf(error) }, 'a database could not be woken'),
    )
  }

  async #moveEtcdLeader(to: string): Promise<boolean> {
    this.#etcdLeader = undefined
    return this.shared.moveEtcdLeader(to)
  }

  async #databaseLoop(): Promise<void> {
    while (!this.#stopping && this.database) {
      await this.database.round(2000)
      await this.stranded?.round()
      await pause(1000)
    }
  }

  /** Who leads etcd, and how large it is, changes rarely; asking every few seconds is enough. */
  async #etcdLeaderLoop(): Promise<void> {
    if (!this.context.region.votes) return
    while (!this.#stopping) {
      try {
        const { idByName, leader } = await this.shared.etcd.members()
        this.#etcdLeader = Object.keys(idByName).find((name) => idByName[name] === leader)
      } catch {
        this.#etcdLeader = undefined
      }
      this.etcdMember = await this.shared.ownMember()
      for (let waited = 0; waited < 5000 && !this.#stopping; waited += 250) await pause(250)
    }
  }

  /** A release counts as deployed here once all instances run it; one that an earlier agent counted does not. */
  #countDeployment(): void {
    const instances = this.supervisor.status().filter((one) => one.engine === 'app')
    if (!instances.every((one) => one.state === 'ready')) return
    const file = join(this.context.folder, 'run', 'deployed')
    const counted = existsSync(file) ? readFileSync(file, 'utf8') : ''
    if (counted === this.record.run) return
    this.deployments += 1
    void writeAside(file, this.record.run, 0o600).catch((error) =>
      this.options.log.warn({ error: messageOf(error) }, 'deployment'),
    )
  }

  #releasing = false
  #releaseOnce(snapshot: Snapshot): void {
    const state = snapshot.releases[this.record.run]
    if (this.#releasing || (state !== undefined && state !== this.shared.claim)) return
    if (this.database?.state.role !== 'primary' || this.database.state.heartbeatAgeMs === undefined) return
    // It is given the same addresses as the app: the region's own door to the database, its Redis.
    if (this.supervisor.status().some(({ engine, state }) => engine !== 'app' && state !== 'ready')) return
    this.#releasing = true
    void release(this).finally(() => {
      this.#releasing = false
    })
  }

  get stopping(): boolean {
    return this.#stopping
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
