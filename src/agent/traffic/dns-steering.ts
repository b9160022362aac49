import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheDir } from '../../../setup/paths.mjs'
import { createKnotControl, type KnotControl } from '../../engines/knot/control.ts'
import { createKnotSteering, type KnotSteering } from '../../engines/knot/steering.ts'
import { messageOf } from '../../lib/errors.ts'
import { Loop } from '../../lib/loop.ts'
import { runToEnd } from '../../lib/run-to-end.ts'
import { revisionToAgree, revisionToUse, type TableReport } from '../../steering/agreement.ts'
import type { AvailabilityByRegion } from '../../steering/availability.ts'
import { steeringRegions } from '../../steering/inputs.ts'
import type { SteeringRegion, SteeringTable } from '../../steering/table.ts'
import { fittedTable, uniformTable } from '../../steering/uniform.ts'
import type { Snapshot } from '../coordination/snapshot.ts'
import type { AgentBase } from '../types.ts'
import { RegionAvailability } from './region-availability.ts'
import { SteeringTables, type TableProblem } from './steering-tables.ts'

/** `building`: the agent has not made Knot answer yet. `failed`: Knot does not answer as it should. */
type Answer =
  | { kind: 'building' }
  | { kind: 'answering'; mark: string; prefixes: number }
  | { kind: 'failed'; why: string }

export type SteeringState = Answer & {
  /** The steering table that Knot answers from; `uniform` knows no places and gives everyone the topology order. */
  table?: { kind: 'uniform' } | { kind: 'agreed' | 'other'; revision: string }
  /** The table that all regions are to answer from, once there is one. */
  agreed?: string
  /** The table of the present GeoIP databases; absent while they cannot be read. */
  wanted?: string
  /** Percent that is done, while a table is being computed. */
  percent?: number
  /** Why the present databases give no table. */
  problem?: TableProblem
  /** By region: the share of its users that DNS sends to it; 0 for one that is not healthy. */
  shares?: Record<string, number>
}

type SteeringAgent = Pick<AgentBase, 'context' | 'record' | 'launcher' | 'store' | 'log' | 'stopping'>
type Tried = { revision: string | undefined; steering: KnotSteering; table: SteeringTable }

/** Knot is queried at least this often: it may have restarted or lost its map. */
const lookEveryMs = 1000
const stopMs = 1000
/** A table whose map Knot has refused is tried again after this, while another one is in use. */
const retryMs = 30_000

/**
 * Keeps the region's Knot answering according to the agreed health.
 *
 * Health never waits for a table. From the first snapshot of the state store on, it is applied to the best table that
 * there is: the agreed one, else the last one in use, else the uniform one. Until then Knot keeps the map that it has,
 * in which regions that were unhealthy are missing.
 */
export class DnsSteering {
  readonly #agent: SteeringAgent
  readonly #regions: readonly SteeringRegion[]
  readonly #tables: SteeringTables
  readonly #control: KnotControl
  readonly #availability = new RegionAvailability()
  readonly #loop: Loop
  #wanted: AvailabilityByRegion | undefined
  #agreed: string | undefined
  #uses: string | undefined
  #answer: Answer = { kind: 'building' }
  /** What Knot answered from last, and for which availability. */
  #last: (Tried & { availability: string }) | undefined
  #refused: { revision: string | undefined; atMs: number } | undefined
  #disagreesSinceMs: number | undefined
  #ready: Promise<void> | undefined

  constructor(
    agent: SteeringAgent,
    options: {
      cacheFolder?: string
      control?: KnotControl
      lookEveryMs?: number
      onTables?: () => void
    } = {},
  ) {
    const { context, record, launcher, log } = agent
    const { topology } = context
    this.#agent = agent
    this.#regions = steeringRegions(topology)
    this.#tables = new SteeringTables({
      topology,
      topologyFolder: dirname(record.topologyFile),
      cacheFolder: options.cacheFolder ?? join(cacheDir(process.env), 'steering'),
      lookEveryMs: options.lookEveryMs,
      ownFolder: join(context.folder, 'data', 'knot'),
      onChange: () => {
        options.onTables?.()
        this.#loop.trigger()
      },
      onProblem: ({ why, remedy }) =>
        log.error({ error: why, remedy }, 'cannot use the GeoIP databases; DNS continues without them'),
    })
    this.#control =
      options.control ??
      createKnotControl({
        folder: context.folder,
        server: { address: context.region.address, port: topology.ports.dns },
        domain: topology.domain,
        run: (command) => runToEnd(launcher.prepare('engine', command, {}), 30_000),
      })
    this.#loop = new Loop({
      round: () => this.#round(),
      restMs: lookEveryMs,
      onError: (error) => this.#fail(error),
    })
  }

  get state(): SteeringState {
    const { wants, percent, problem } = this.#tables
    const shares = this.#shares()
    return {
      ...this.#answer,
      ...(this.#last ? { table: this.#tableOf(this.#last.revision) } : {}),
      ...(this.#agreed === undefined ? {} : { agreed: this.#agreed }),
      ...(wants === undefined ? {} : { wanted: wants }),
      ...(percent === undefined ? {} : { percent }),
      ...(problem === undefined ? {} : { problem }),
      ...(shares === undefined ? {} : { shares }),
    }
  }

  /** For the agent's report. */
  get report(): TableReport {
    return this.#tables.report(this.#uses)
  }

  start(): void {
    this.#ready = this.#tables.lastUsed().then((revision) => {
      this.#uses = revision
      this.#tables.start()
      this.#loop.start()
    })
  }

  /** Ends a build. Does not wait for a reload of Knot, which may take longer than a roll-out should wait. */
  async stop(): Promise<void> {
    await this.#ready
    const stopped = Promise.all([this.#tables.stop(), this.#loop.stop()])
    await Promise.race([stopped, sleep(stopMs, undefined, { ref: false })])
  }

  /** Call this in every coordination cycle. */
  update(snapshot: Snapshot): void {
    const { rampSeconds } = this.#agent.context.topology.steering
    this.#wanted = this.#availability.of(snapshot, rampSeconds, performance.now(), Date.now())
    this.#agreed = snapshot.table.revision
    this.#loop.trigger()
  }

  /** Agrees with the other agents on the table, as far as this agent can. */
  async agree({ table, reports, health }: Snapshot): Promise<void> {
    const tables = Object.fromEntries(this.#regions.map(({ name }) => [name, reports[name]?.tables] as const))
    const isWanted = Object.values(tables).some(
      (one) => one?.wants !== undefined && one.wants !== table.revision,
    )
    this.#disagreesSinceMs = isWanted ? (this.#disagreesSinceMs ?? performance.now()) : undefined
    const revision = revisionToAgree({
      agreed: table.revision,
      reports: tables,
      expected: this.#regions.map(({ name }) => name).filter((name) => health[name]?.state !== 'unreachable'),
      waitedMs: performance.now() - (this.#disagreesSinceMs ?? performance.now()),
    })
    if (revision === undefined || !(await this.#agent.store.agreeTable(revision, table.modRevision))) return
    this.#agent.log.info({ revision, was: table.revision }, 'agreed on a steering table')
  }

  async #round(): Promise<void> {
    const availability = this.#wanted
    if (availability === undefined || this.#agent.stopping) return
    const revision = await this.#revision()
    const rests = this.#isResting(revision)
    const result = rests ? undefined : await this.#try(this.#steeringOf(revision), availability)
    if (result) {
      this.#refused = undefined
      this.#done(result, JSON.stringify(availability))
      return
    }
    if (!rests) this.#refused = { revision, atMs: performance.now() }
    // Knot keeps the last good map, which is enough unless that names a region that has become unhealthy.
    if (!rests && this.#last && !losesRegion(JSON.parse(this.#last.availability), availability)) return
    // Health must not depend on one table: the last one that worked may do, and the uniform one is so small that Knot
    // takes it on a full disk.
    for (const other of [this.#last, this.#steeringOf(undefined)]) {
      if (other === undefined || other.revision === revision) continue
      if (!(await this.#try(other, availability, { quietly: true }))) continue
      this.#last = { ...other, availability: JSON.stringify(availability) }
      return
    }
  }

  /** Knot has refused this table's map, and answers from another one meanwhile. */
  #isResting(revision: string | undefined): boolean {
    if (this.#refused?.revision !== revision || !this.#refused) return false
    const isReplaced = this.#last !== undefined && this.#last.revision !== revision
    return isReplaced && performance.now() - this.#refused.atMs < retryMs
  }

  /** Resolves to undefined when Knot does not take the map, which it then does not use. */
  async #try(tried: Tried, availability: AvailabilityByRegion, { quietly = false } = {}) {
    try {
      const result = await tried.steering.reconcile(availability)
      if (result.kind !== 'refused') return { ...result, ...tried }
      if (!quietly) this.#fail(new Error(`${result.stage}: ${result.detail}`))
    } catch (error) {
      if (!quietly) this.#fail(error)
    }
    return undefined
  }

  #done(
    result: Tried & { kind: 'applied' | 'unchanged' | 'stored'; mark: string },
    availability: string,
  ): void {
    const { kind, mark, revision, steering, table } = result
    if (kind === 'applied')
      this.#agent.log.info({ kind, mark, table: revision ?? 'uniform' }, 'applied DNS map')
    const prefixes = table.covers[0].lengths.length + table.covers[1].lengths.length
    this.#last = { revision, steering, table, availability }
    this.#uses = revision ?? this.#uses
    if (revision !== undefined)
      void this.#tables
        .keep(revision)
        .catch((error) =>
          this.#agent.log.warn({ error: messageOf(error) }, 'could not keep the steering table'),
        )
    if (kind !== 'stored') this.#answer = { kind: 'answering', mark, prefixes }
    // Knot is not running and will load the stored map when it starts. That is normal only while a world starts.
    else if (this.#answer.kind !== 'building') this.#fail(new Error('Knot does not answer'))
  }

  async #revision(): Promise<string | undefined> {
    if (this.#agreed !== undefined) await this.#tables.obtain(this.#agreed)
    return revisionToUse({
      agreed: this.#agreed,
      uses: this.#uses,
      wants: this.#tables.wants,
      holds: (revision) => this.#tables.table(revision) !== undefined,
    })
  }

  #steeringOf(revision: string | undefined): Tried {
    if (this.#last && this.#last.revision === revision) return this.#last
    const held = this.#tables.table(revision)
    const table = held ? fittedTable(held, this.#regions) : uniformTable(this.#regions)
    const { topology } = this.#agent.context
    return { revision, table, steering: createKnotSteering({ topology, table, control: this.#control }) }
  }

  #fail(error: unknown): void {
    const why = messageOf(error)
    if (this.#answer.kind !== 'failed' || this.#answer.why !== why)
      this.#agent.log.error({ error: why }, 'DNS steering failed')
    this.#answer = { kind: 'failed', why }
  }

  #tableOf(revision: string | undefined): NonNullable<SteeringState['table']> {
    if (revision === undefined) return { kind: 'uniform' }
    return { kind: revision === this.#agreed ? 'agreed' : 'other', revision }
  }

  /** Of the map in use. */
  #shares(): Record<string, number> | undefined {
    if (!this.#last) return undefined
    const availability = JSON.parse(this.#last.availability) as AvailabilityByRegion
    return Object.fromEntries(
      this.#regions.map(({ name }) => {
        const one = availability[name]
        return [name, one === undefined ? 1 : one.kind === 'healthy' ? one.share : 0]
      }),
    )
  }
}

/** Whether a region that was healthy is not any more. */
function losesRegion(before: AvailabilityByRegion, now: AvailabilityByRegion): boolean {
  const isHealthy = (one: AvailabilityByRegion[string] | undefined) =>
    one === undefined || one.kind === 'healthy'
  return Object.keys(now).some((region) => isHealthy(before[region]) && !isHealthy(now[region]))
}
